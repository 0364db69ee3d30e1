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
// Filter answers as if the devices of those pods were free. Pods that are nominated
// to a node after a preemption count as holding what they would get there, so that
// others do not take what was freed for them.

const changesKey fwk.StateKey = Name + "/changes"

// podChanges is how the pods of one node differ from what is bound there. It lives
// in the copy of the cycle state that the framework makes for that node, and so
// needs no lock.
type podChanges struct{ removed, nominated map[types.UID]*v1.Pod }

// Clone implements fwk.StateData.
func (c *podChanges) Clone() fwk.StateData {
	return &podChanges{removed: maps.Clone(c.removed), nominated: maps.Clone(c.nominated)}
}

func changesOf(state fwk.CycleState) *podChanges {
	if data, err := state.Read(changesKey); err == nil {
		return data.(*podChanges)
	}
	return nil
}

func ensureChanges(state fwk.CycleState) *podChanges {
	changes := changesOf(state)
	if changes == nil {
		changes = &podChanges{removed: map[types.UID]*v1.Pod{}, nominated: map[types.UID]*v1.Pod{}}
		state.Write(changesKey, changes)
	}
	return changes
}

// PreFilterExtensions implements fwk.PreFilterPlugin.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// RemovePod implements fwk.PreFilterExtensions.
func (p *Plugin) RemovePod(_ context.Context, state fwk.CycleState, _ *v1.Pod, victim fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	pod := victim.GetPod()
	if changes := changesOf(state); changes != nil && changes.nominated[pod.UID] != nil {
		delete(changes.nominated, pod.UID)
	} else if len(claimNames(pod)) > 0 {
		ensureChanges(state).removed[pod.UID] = pod
	}
	return nil
}

// AddPod implements fwk.PreFilterExtensions.
func (p *Plugin) AddPod(_ context.Context, state fwk.CycleState, _ *v1.Pod, added fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	pod := added.GetPod()
	if changes := changesOf(state); changes != nil && changes.removed[pod.UID] != nil {
		delete(changes.removed, pod.UID) // reprieved
	} else if pod.Spec.NodeName == "" {
		ensureChanges(state).nominated[pod.UID] = pod
	}
	return nil
}

// holdNominated records what pods nominated to the node would get there. One whose
// request does not fit, or is not understood, is left out.
func (p *Plugin) holdNominated(ctx context.Context, gpus *pool, state placement.GPUStates, changes *podChanges, node fwk.NodeInfo) {
	if changes == nil {
		return
	}
	for _, uid := range slices.Sorted(maps.Keys(changes.nominated)) {
		pod := changes.nominated[uid]
		claims, err := p.claimsToAllocate(pod)
		if err != nil {
			continue
		}
		a, err := askOf(pod, claims, p.dra)
		if err != nil || len(a.requests) == 0 {
			continue
		}
		verdict := p.place(ctx, a, gpus, state, node)
		for _, grant := range verdict.Devices {
			gpus.gpus.inventory.HoldDevice(state, grant.Device, grant.ShareSize)
		}
	}
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
// of the node's own pools only: a pod that also needs a device that is not local to
// the node cannot preempt.
func (p *Plugin) filterWithout(ctx context.Context, c *cycle, changes *podChanges, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	pools := p.pools.byNode[node.Node().Name]
	allocated := p.allocatedWithout(c, changes, pools)
	if gpus := p.pools.gpuPool(node.Node().Name); gpus != nil {
		held := p.pools.held(allocated).state(gpus)
		p.holdNominated(ctx, gpus, held, changes, node)
		if verdict := p.place(ctx, c.ask, gpus, held, node); verdict.final {
			return refusal(verdict, held)
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
func (p *Plugin) allocatedWithout(c *cycle, changes *podChanges, pools []*pool) *structured.AllocatedState {
	freed := make(map[structured.DeviceID][]structured.ConsumedCapacity)
	for _, victim := range changes.removed {
		for _, name := range claimNames(victim) {
			claim, err := p.dra.ResourceClaims().Get(victim.Namespace, name)
			if err != nil || claim.Status.Allocation == nil || usedByOthers(claim, changes) {
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

func usedByOthers(claim *resourceapi.ResourceClaim, changes *podChanges) bool {
	return slices.ContainsFunc(claim.Status.ReservedFor, func(user resourceapi.ResourceClaimConsumerReference) bool {
		return changes.removed[user.UID] == nil
	})
}
