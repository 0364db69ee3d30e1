package dra

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Cycle is what is known during the scheduling cycle of one pod. It does not change: a
// cycle without some pods is another one.
type Cycle struct {
	source    *Source
	request   *PodRequest
	state     *structured.AllocatedState
	allocated allocatedByPool
	claims    *claimIndex
	nodes     *nodeIndex
}

// Request is what the pod asks for.
func (c *Cycle) Request() *PodRequest { return c.request }

// ForPod is the cycle with another pod's request, what is allocated staying the same.
func (c *Cycle) ForPod(request *PodRequest) *Cycle {
	other := *c
	other.request = request
	return &other
}

// ViewNode is a node's GPUs as the pod sees them; nil if it has none that are
// understood. provided are the resources that its device plugins hand out. Where several
// drivers publish GPUs it is the first whose GPUs a request of the pod accepts.
func (c *Cycle) ViewNode(name string, provided map[v1.ResourceName]int64) *View {
	pools := c.source.pools.gpusByNode[name]
	if len(pools) == 0 {
		return nil
	}
	chosen := pools[0]
	if len(pools) > 1 {
		accepting := slices.IndexFunc(pools, func(p *Pool) bool {
			return c.request.anyAlternative(func(sub *subRequest) bool {
				return !sub.adminAccess && p.matchesGPU(context.Background(), c.source, sub)
			})
		})
		chosen = pools[max(0, accepting)]
	}
	return &View{cycle: c, pool: chosen, provided: provided}
}

// Without is the cycle as if pods were gone from a node. It only knows the pools that the
// node may use.
func (c *Cycle) Without(node string, gone map[types.UID]*v1.Pod) *Cycle {
	other := *c
	other.state = c.stateWithout(slices.Concat(c.source.pools.poolsOn(node), c.source.pools.shared), c.freedBy(gone))
	other.allocated = c.source.pools.sortAllocated(other.state)
	return &other
}

// WithoutReleased is Without, and as if what nobody uses any more had been released already.
func (c *Cycle) WithoutReleased(node string, gone map[types.UID]*v1.Pod) *Cycle {
	other := *c
	freed := c.freedBy(gone)
	if claims, err := c.source.manager.ResourceClaims().List(); err == nil {
		for _, claim := range claims {
			counted := len(claim.Status.ReservedFor) > 0 && !usedByOthers(claim, gone)
			if !counted && c.source.nodeOf(claim) == node && !hasLiveUser(claim, c.source.findPod) {
				addFreed(freed, claim)
			}
		}
	}
	other.state = c.stateWithout(slices.Concat(c.source.pools.poolsOn(node), c.source.pools.shared), freed)
	other.allocated = c.source.pools.sortAllocated(other.state)
	return &other
}

// FilterAlone runs the in-tree Filter on a node as if there were no other.
func (c *Cycle) FilterAlone(ctx context.Context, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	instance, err := c.source.instances.borrowInstance()
	if err != nil {
		return fwk.AsStatus(err)
	}
	defer c.source.instances.returnInstance(instance)
	instance.allocated = func() (*structured.AllocatedState, error) { return c.state, nil }
	instance.listSlices = func() ([]*resourceapi.ResourceSlice, error) {
		var published []*resourceapi.ResourceSlice
		for _, pool := range c.source.pools.byNode[node.Node().Name] {
			published = append(published, c.visibleSlices(ctx, pool)...)
		}
		for _, pool := range slices.Concat(c.source.pools.passedOn[node.Node().Name], c.source.pools.shared) {
			published = append(published, pool.Slices...)
		}
		return published, nil
	}
	state := framework.NewCycleState()
	if _, status := instance.plugin.PreFilter(ctx, state, pod, nil); !status.IsSuccess() {
		return status
	}
	return instance.plugin.Filter(ctx, state, pod, node)
}

// freedDevices is what is given back of devices.
type freedDevices map[structured.DeviceID][]structured.ConsumedCapacity

// stateWithout is what stays allocated of some pools once some is given back.
func (c *Cycle) stateWithout(pools []*Pool, freed freedDevices) *structured.AllocatedState {
	left := &structured.AllocatedState{
		AllocatedDevices:   sets.New[structured.DeviceID](),
		AggregatedCapacity: structured.NewConsumedCapacityCollection(),
	}
	for _, pool := range pools {
		for _, id := range pool.deviceNames() {
			released := freed[id]
			if c.state.AllocatedDevices.Has(id) && len(released) == 0 {
				left.AllocatedDevices.Insert(id)
			}
			amounts, shared := c.state.AggregatedCapacity[id]
			if !shared {
				continue
			}
			rest := amounts.Clone()
			for _, amount := range released {
				rest.Sub(amount)
			}
			if !rest.Empty() {
				left.AggregatedCapacity[id] = rest
			}
		}
	}
	return left
}

// freedBy is what some pods give back when they go.
func (c *Cycle) freedBy(gone map[types.UID]*v1.Pod) freedDevices {
	freed := freedDevices{}
	for _, victim := range gone {
		for _, name := range ClaimNames(victim) {
			claim, err := c.source.manager.ResourceClaims().Get(victim.Namespace, name)
			if err != nil || claim.Status.Allocation == nil || usedByOthers(claim, gone) {
				continue
			}
			addFreed(freed, claim)
		}
	}
	return freed
}

// addFreed adds what a claim has.
func addFreed(freed freedDevices, claim *resourceapi.ResourceClaim) {
	for _, result := range claim.Status.Allocation.Devices.Results {
		if isAdminAccess(&result) {
			continue
		}
		id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
		freed[id] = append(freed[id], structured.NewDeviceConsumedCapacity(id, result.ConsumedCapacity).ConsumedCapacity)
	}
}

func usedByOthers(claim *resourceapi.ResourceClaim, gone map[types.UID]*v1.Pod) bool {
	return slices.ContainsFunc(claim.Status.ReservedFor, func(user resourceapi.ResourceClaimConsumerReference) bool {
		return gone[user.UID] == nil
	})
}

// ClaimNames lists the claims of a pod, including the one made for its extended
// resources.
func ClaimNames(pod *v1.Pod) []string {
	var names []string
	for i := range pod.Spec.ResourceClaims {
		if name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i]); err == nil && name != nil {
			names = append(names, *name)
		}
	}
	if status := pod.Status.ExtendedResourceClaimStatus; status != nil {
		names = append(names, status.ResourceClaimName)
	}
	return names
}
