package soak

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// podRecord is what the checker needs of a pod's version.
type podRecord struct {
	name string
	uid  types.UID
	// node is where it is bound, "" while it waits. over says that it has ended, ending that
	// somebody has deleted it.
	node         string
	over, ending bool
	claims       []string
	gang         string
	priority     int32
	// waits is why it is not bound, as its status says; disrupted why it was ended by others.
	waits, disrupted string
}

func readPod(pod *corev1.Pod) *podRecord {
	r := &podRecord{
		name: pod.Name, uid: pod.UID, node: pod.Spec.NodeName, gang: pod.Labels[gangLabel],
		over:   pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed,
		ending: pod.DeletionTimestamp != nil,
	}
	if pod.Spec.Priority != nil {
		r.priority = *pod.Spec.Priority
	}
	for _, claim := range pod.Spec.ResourceClaims {
		switch {
		case claim.ResourceClaimName != nil:
			r.claims = append(r.claims, *claim.ResourceClaimName)
		default: // made from a template, "" as long as it is not
			made := ""
			for _, status := range pod.Status.ResourceClaimStatuses {
				if status.Name == claim.Name && status.ResourceClaimName != nil {
					made = *status.ResourceClaimName
				}
			}
			r.claims = append(r.claims, made)
		}
	}
	if extended := pod.Status.ExtendedResourceClaimStatus; extended != nil {
		r.claims = append(r.claims, extended.ResourceClaimName)
	}
	for _, condition := range pod.Status.Conditions {
		switch {
		case condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse:
			r.waits = condition.Message
		case condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue:
			r.disrupted = condition.Reason
		}
	}
	return r
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

// claimRecord is what the checker needs of a claim's version.
type claimRecord struct {
	name        string
	uid         types.UID
	devices     []heldDevice
	reservedFor []types.UID
}

func readClaim(claim *resourceapi.ResourceClaim) *claimRecord {
	r := &claimRecord{name: claim.Name, uid: claim.UID}
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

// counterKey names a counter of a pool.
type counterKey struct{ driver, pool, set, counter string }

// publishedDevice is a device as its slice describes it.
type publishedDevice struct {
	kind string
	// gpu is the UUID of the GPU that it is of. start and size are the memory slices of a
	// MIG instance.
	gpu         string
	start, size int64
	// shared says that several claims may have it; capacity is what they divide.
	shared   bool
	capacity map[string]int64
	takes    map[counterKey]int64
	// barred says that a taint keeps pods away.
	barred bool
}

// sliceRecord is a version of a slice.
type sliceRecord struct {
	name, driver, pool, node string
	generation, count        int64
	devices                  map[deviceKey]*publishedDevice
	counters                 map[counterKey]int64
}

func readSlice(slice *resourceapi.ResourceSlice) *sliceRecord {
	spec := &slice.Spec
	r := &sliceRecord{
		name: slice.Name, driver: spec.Driver, pool: spec.Pool.Name, generation: spec.Pool.Generation, count: spec.Pool.ResourceSliceCount,
		devices: map[deviceKey]*publishedDevice{}, counters: map[counterKey]int64{},
	}
	if spec.NodeName != nil {
		r.node = *spec.NodeName
	}
	for _, set := range spec.SharedCounters {
		for name, counter := range set.Counters {
			r.counters[counterKey{spec.Driver, spec.Pool.Name, set.Name, name}] = counter.Value.Value()
		}
	}
	for i := range spec.Devices {
		d := &spec.Devices[i]
		r.devices[deviceKey{spec.Driver, spec.Pool.Name, d.Name}] = readDevice(spec, d)
	}
	return r
}

func readDevice(spec *resourceapi.ResourceSliceSpec, d *resourceapi.Device) *publishedDevice {
	text := func(name resourceapi.QualifiedName) string {
		if value := d.Attributes[name].StringValue; value != nil {
			return *value
		}
		return ""
	}
	number := func(name resourceapi.QualifiedName) int64 {
		if value := d.Attributes[name].IntValue; value != nil {
			return *value
		}
		return 0
	}
	read := &publishedDevice{
		kind: text("type"), gpu: text("parentUUID"), start: number("placementStart"), size: number("placementSize"),
		shared:   d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations,
		capacity: map[string]int64{}, takes: map[counterKey]int64{},
		barred: slices.ContainsFunc(d.Taints, func(taint resourceapi.DeviceTaint) bool {
			return taint.Effect == resourceapi.DeviceTaintEffectNoSchedule || taint.Effect == resourceapi.DeviceTaintEffectNoExecute
		}),
	}
	if read.gpu == "" {
		read.gpu = text("uuid")
	}
	for name, capacity := range d.Capacity {
		read.capacity[string(name)] = capacity.Value.Value()
	}
	for _, consumption := range d.ConsumesCounters {
		for name, counter := range consumption.Counters {
			read.takes[counterKey{spec.Driver, spec.Pool.Name, consumption.CounterSet, name}] = counter.Value.Value()
		}
	}
	return read
}

// change is a version of an object, or its end.
type change struct {
	// revision is the API server's, which orders changes of all objects.
	revision int64
	pod      *podRecord
	claim    *claimRecord
	slice    *sliceRecord
	gone     bool
}

// name is that of the object.
func (c *change) name() string {
	switch {
	case c.pod != nil:
		return c.pod.name
	case c.claim != nil:
		return c.claim.name
	}
	return c.slice.name
}

func readChange(object runtime.Object) (next change, err error) {
	var version string
	switch object := object.(type) {
	case *corev1.Pod:
		version, next.pod = object.ResourceVersion, readPod(object)
	case *resourceapi.ResourceClaim:
		version, next.claim = object.ResourceVersion, readClaim(object)
	case *resourceapi.ResourceSlice:
		version, next.slice = object.ResourceVersion, readSlice(object)
	default:
		return change{}, fmt.Errorf("a watch brought %T", object)
	}
	next.revision, err = strconv.ParseInt(version, 10, 64)
	return next, err
}
