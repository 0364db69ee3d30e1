package mixednodes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/topology"
)

// podRecord is what the checker needs of a pod.
type podRecord struct {
	name string
	uid  types.UID
	// node is where it is bound, "" while it waits. over says that it has ended.
	node string
	over bool
	// asks are the amounts of NVIDIA's resources, without those that a claim serves.
	asks   map[corev1.ResourceName]int64
	claims []string
	// server is the model server that it runs, stated the memory that it says it takes of
	// each GPU; nil and 0 if it says nothing.
	server *modelServer
	stated topology.Bytes
	// request is how it asks for GPUs; hopeless why it must never be bound.
	request, hopeless string
	// waits is why it is not bound, as its status says.
	waits string
}

func readPod(pod *corev1.Pod) (*podRecord, error) {
	r := &podRecord{
		name: pod.Name, uid: pod.UID, node: pod.Spec.NodeName, asks: map[corev1.ResourceName]int64{},
		over:    pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed,
		request: pod.Annotations[requestAnnotation], hopeless: pod.Annotations[hopelessAnnotation],
	}
	for i := range pod.Spec.Containers {
		for name, amount := range pod.Spec.Containers[i].Resources.Requests {
			if strings.HasPrefix(string(name), "nvidia.com/") {
				r.asks[name] += amount.Value()
			}
		}
	}
	for _, claim := range pod.Spec.ResourceClaims {
		r.claims = append(r.claims, *claim.ResourceClaimName)
	}
	if extended := pod.Status.ExtendedResourceClaimStatus; extended != nil {
		r.claims = append(r.claims, extended.ResourceClaimName)
		for _, mapping := range extended.RequestMappings {
			delete(r.asks, corev1.ResourceName(mapping.ResourceName))
		}
	}
	if text := pod.Annotations[serverAnnotation]; text != "" {
		r.server = &modelServer{}
		if err := json.Unmarshal([]byte(text), r.server); err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Name, err)
		}
	}
	if text := pod.Annotations[memoryAnnotation]; text != "" && r.hopeless == "" {
		amount, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Name, err)
		}
		r.stated = topology.Bytes(amount.Value())
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse &&
			condition.Reason == corev1.PodReasonUnschedulable {
			r.waits = condition.Message
		}
	}
	return r, nil
}

// onNode reports whether the pod takes part of a node.
func (r *podRecord) onNode() bool { return r.node != "" && !r.over }

// deviceKey names a device of a pool.
type deviceKey struct{ driver, pool, device string }

// heldDevice is a device that a claim holds, with what it consumes of its capacities.
type heldDevice struct {
	deviceKey
	consumed map[string]int64
}

// claimRecord is what the checker needs of a claim.
type claimRecord struct {
	name        string
	devices     []heldDevice
	reservedFor []types.UID
}

func readClaim(claim *resourceapi.ResourceClaim) *claimRecord {
	r := &claimRecord{name: claim.Name}
	for _, user := range claim.Status.ReservedFor {
		r.reservedFor = append(r.reservedFor, user.UID)
	}
	if claim.Status.Allocation == nil {
		return r
	}
	for _, result := range claim.Status.Allocation.Devices.Results {
		held := heldDevice{deviceKey{result.Driver, result.Pool, result.Device}, map[string]int64{}}
		for name, amount := range result.ConsumedCapacity {
			held.consumed[string(name)] = amount.Value()
		}
		r.devices = append(r.devices, held)
	}
	return r
}

// publishedDevice is a device of a slice.
type publishedDevice struct {
	kind, uuid, profile string
	// shared says that several claims may have it; capacity is what they divide.
	shared   bool
	capacity map[string]int64
	// takes is what it consumes of counters.
	takes map[counterKey]int64
	// barred says that a taint keeps pods away.
	barred bool
}

// counterKey names a counter of a pool.
type counterKey struct{ driver, pool, set, counter string }

// nodeFacts is what the checker knows of a node.
type nodeFacts struct {
	*fleetNode
	allocatable map[corev1.ResourceName]int64
	devices     map[deviceKey]*publishedDevice
	counters    map[counterKey]int64
}

// readNodes puts together what the API server tells of the fleet.
func readNodes(fleet []*fleetNode, nodes []corev1.Node, published []resourceapi.ResourceSlice) map[string]*nodeFacts {
	facts := map[string]*nodeFacts{}
	for _, n := range fleet {
		facts[n.name] = &nodeFacts{
			fleetNode: n, allocatable: map[corev1.ResourceName]int64{}, devices: map[deviceKey]*publishedDevice{}, counters: map[counterKey]int64{},
		}
	}
	for i := range nodes {
		if known := facts[nodes[i].Name]; known != nil {
			for name, amount := range nodes[i].Status.Allocatable {
				known.allocatable[name] = amount.Value()
			}
		}
	}
	type pool struct{ driver, name string }
	newest := map[pool]int64{}
	for i := range published {
		spec := &published[i].Spec
		at := pool{spec.Driver, spec.Pool.Name}
		newest[at] = max(newest[at], spec.Pool.Generation)
	}
	for i := range published {
		spec := &published[i].Spec
		if spec.NodeName == nil || facts[*spec.NodeName] == nil || spec.Pool.Generation < newest[pool{spec.Driver, spec.Pool.Name}] {
			continue
		}
		facts[*spec.NodeName].addSlice(spec)
	}
	return facts
}

func (f *nodeFacts) addSlice(spec *resourceapi.ResourceSliceSpec) {
	for _, set := range spec.SharedCounters {
		for name, counter := range set.Counters {
			f.counters[counterKey{spec.Driver, spec.Pool.Name, set.Name, name}] = counter.Value.Value()
		}
	}
	for i := range spec.Devices {
		d := &spec.Devices[i]
		text := func(name resourceapi.QualifiedName) string {
			if value := d.Attributes[name].StringValue; value != nil {
				return *value
			}
			return ""
		}
		read := &publishedDevice{
			kind: text("type"), uuid: text("parentUUID"), profile: text("profile"), capacity: map[string]int64{}, takes: map[counterKey]int64{},
			shared: d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations,
			barred: slices.ContainsFunc(d.Taints, func(taint resourceapi.DeviceTaint) bool {
				return taint.Effect == resourceapi.DeviceTaintEffectNoSchedule || taint.Effect == resourceapi.DeviceTaintEffectNoExecute
			}),
		}
		if read.uuid == "" {
			read.uuid = text("uuid")
		}
		for name, capacity := range d.Capacity {
			read.capacity[string(name)] = capacity.Value.Value()
		}
		for _, consumption := range d.ConsumesCounters {
			for name, counter := range consumption.Counters {
				read.takes[counterKey{spec.Driver, spec.Pool.Name, consumption.CounterSet, name}] = counter.Value.Value()
			}
		}
		f.devices[deviceKey{spec.Driver, spec.Pool.Name, d.Name}] = read
	}
}
