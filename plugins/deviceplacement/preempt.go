package deviceplacement

import (
	"context"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// The in-tree plugin does not let devices be preempted: it has no
// PreFilterExtensions, and says of every node without free devices that nothing
// can be done. Here preemption's dry runs tell which pods they take away, and
// Filter answers as if the devices of those pods were free.

const removedKey fwk.StateKey = Name + "/removed"

// removedPods lives in the copy of the cycle state that preemption makes for each
// node, and so needs no lock.
type removedPods struct{ pods map[types.UID]*v1.Pod }

// Clone implements fwk.StateData.
func (r *removedPods) Clone() fwk.StateData { return &removedPods{maps.Clone(r.pods)} }

func removedOf(state fwk.CycleState) *removedPods {
	if data, err := state.Read(removedKey); err == nil {
		return data.(*removedPods)
	}
	return nil
}

// PreFilterExtensions implements fwk.PreFilterPlugin.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// RemovePod implements fwk.PreFilterExtensions.
func (p *Plugin) RemovePod(_ context.Context, state fwk.CycleState, _ *v1.Pod, victim fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	if len(claimNames(victim.GetPod())) == 0 {
		return nil
	}
	removed := removedOf(state)
	if removed == nil {
		removed = &removedPods{pods: map[types.UID]*v1.Pod{}}
		state.Write(removedKey, removed)
	}
	removed.pods[victim.GetPod().UID] = victim.GetPod()
	return nil
}

// AddPod implements fwk.PreFilterExtensions.
func (p *Plugin) AddPod(_ context.Context, state fwk.CycleState, _ *v1.Pod, pod fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	if removed := removedOf(state); removed != nil {
		delete(removed.pods, pod.GetPod().UID) // reprieved
	}
	return nil
}

// claimNames lists the claims of a pod, including the one made for its extended
// resources.
func claimNames(pod *v1.Pod) []string {
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

// dryRun is an in-tree plugin instance whose whole world is one node.
type dryRun struct {
	fwk.ResourceClaimTracker
	inTree    *dynamicresources.DynamicResources
	err       error
	allocated *structured.AllocatedState
	slices    []*resourceapi.ResourceSlice
}

// GatherAllocatedState implements fwk.ResourceClaimTracker.
func (d *dryRun) GatherAllocatedState() (*structured.AllocatedState, error) { return d.allocated, nil }

// ListWithDeviceTaintRules implements fwk.ResourceSliceLister.
func (d *dryRun) ListWithDeviceTaintRules() ([]*resourceapi.ResourceSlice, error) {
	return d.slices, nil
}

// filterWithout is Filter as if the removed pods were gone. It considers devices
// of node-local pools only: a shared network device elsewhere stays taken.
func (p *Plugin) filterWithout(ctx context.Context, c *cycle, removed *removedPods, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	pools := p.pools.byNode[node.Node().Name]
	allocated := p.allocatedWithout(c, removed, pools)
	if gpus := p.pools.gpuPool(node.Node().Name); gpus != nil {
		if verdict := p.place(ctx, c, gpus, gpus.state(allocated), node); verdict.Outcome == placement.Refused && verdict.final {
			return refusal(verdict, gpus.state(allocated))
		}
	}
	run := p.dryRuns.Get().(*dryRun)
	defer p.dryRuns.Put(run)
	if run.err != nil {
		return fwk.AsStatus(run.err)
	}
	run.allocated, run.slices = allocated, nil
	for _, pool := range pools {
		run.slices = append(run.slices, pool.sources...)
	}
	state := framework.NewCycleState()
	if _, status := run.inTree.PreFilter(ctx, state, pod, nil); !status.IsSuccess() {
		return status
	}
	status := run.inTree.Filter(ctx, state, pod, node)
	if status.Code() == fwk.UnschedulableAndUnresolvable {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...)
	}
	return status
}

// allocatedWithout is what stays allocated of some pools without the removed pods.
func (p *Plugin) allocatedWithout(c *cycle, removed *removedPods, pools []*pool) *structured.AllocatedState {
	freed := make(map[structured.DeviceID][]structured.ConsumedCapacity)
	for _, victim := range removed.pods {
		for _, name := range claimNames(victim) {
			claim, err := p.dra.ResourceClaims().Get(victim.Namespace, name)
			if err != nil || claim.Status.Allocation == nil || usedByOthers(claim, removed) {
				continue
			}
			for _, result := range claim.Status.Allocation.Devices.Results {
				if result.AdminAccess != nil && *result.AdminAccess {
					continue
				}
				id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
				freed[id] = append(freed[id], structured.NewDeviceConsumedCapacity(id, result.ConsumedCapacity).ConsumedCapacity)
			}
		}
	}
	left := &structured.AllocatedState{
		AllocatedDevices:   sets.New[structured.DeviceID](),
		AggregatedCapacity: structured.NewConsumedCapacityCollection(),
	}
	for _, pool := range pools {
		for _, id := range pool.ids {
			gone := freed[id]
			if c.allocated.AllocatedDevices.Has(id) && len(gone) == 0 {
				left.AllocatedDevices.Insert(id)
			}
			amounts, shared := c.allocated.AggregatedCapacity[id]
			if !shared {
				continue
			}
			rest := amounts.Clone()
			for _, amount := range gone {
				rest.Sub(amount)
			}
			if !rest.Empty() {
				left.AggregatedCapacity[id] = rest
			}
		}
	}
	return left
}

func usedByOthers(claim *resourceapi.ResourceClaim, removed *removedPods) bool {
	return slices.ContainsFunc(claim.Status.ReservedFor, func(user resourceapi.ResourceClaimConsumerReference) bool {
		return removed.pods[user.UID] == nil
	})
}
