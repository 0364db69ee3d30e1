package deviceplacement

import (
	"context"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// The in-tree plugin does not let devices be preempted: it has no
// PreFilterExtensions, and says of every node without free devices that nothing
// can be done. Here preemption's dry runs tell which pods they take away, and
// Filter answers as if the devices of those pods were free. Pods that are nominated
// to a node after a preemption count as holding what they would get there, so that
// others do not take what was freed for them.

// podChanges is how the pods of one node differ from what is bound there. It lives
// in the copy of the cycle state that the framework makes for that node, and so
// needs no lock.
type podChanges struct{ removed, nominated map[types.UID]*v1.Pod }

// Clone implements fwk.StateData.
func (c *podChanges) Clone() fwk.StateData {
	return &podChanges{removed: maps.Clone(c.removed), nominated: maps.Clone(c.nominated)}
}

// changesOf is nil if nothing changed.
func changesOf(state fwk.CycleState) *podChanges {
	if data, err := state.Read(changesKey); err == nil {
		if changes, ok := data.(*podChanges); ok {
			return changes
		}
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
	} else if len(dra.ClaimNames(pod)) > 0 {
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

// holdNominated records what pods nominated to the node would get there, and of one that does
// not fit yet all that it could use: what was freed for it must not go to others while the
// rest is still on the way. One whose request is not understood is left out.
func (p *Plugin) holdNominated(
	ctx context.Context, c *podCycle, view *dra.View, gpus placement.GPUStates, changes *podChanges, node fwk.NodeInfo,
) {
	if changes == nil {
		return
	}
	for _, uid := range slices.Sorted(maps.Keys(changes.nominated)) {
		request, err := p.source.ReadPod(changes.nominated[uid])
		if err != nil || request.Empty() {
			continue
		}
		own := c.ForPod(request).ViewNode(node.Node().Name, providedResources(node))
		held := gpus
		if !own.SamePool(view) {
			held = own.GPUs() // it looks at the GPUs of another driver
		}
		verdict, _ := p.placeFirst(ctx, own, held)
		chosen := verdict.Devices
		if verdict.Outcome == placement.Refused {
			chosen = usableDevices(verdict.request)
		}
		view.HoldChosen(gpus, own, chosen)
	}
}

// usableDevices are all devices that a request accepts.
func usableDevices(request *placement.Request) []placement.DeviceAllocation {
	var devices []placement.DeviceAllocation
	if request == nil {
		return nil
	}
	for part := range request.Parts {
		accepts := request.Parts[part].Accepts
		for device := range 64 * len(accepts) { // of words of 64 devices
			if accepts.Has(device) {
				devices = append(devices, placement.DeviceAllocation{Part: part, Device: device})
			}
		}
	}
	return devices
}

// filterWithout is Filter as if the removed pods were gone.
func (p *Plugin) filterWithout(ctx context.Context, c *podCycle, changes *podChanges, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	name := node.Node().Name
	without := &podCycle{Cycle: c.Without(name, changes.removed), held: c.held}
	if view := without.ViewNode(name, providedResources(node)); view != nil {
		gpus := view.GPUs()
		p.holdNominated(ctx, without, view, gpus, changes, node)
		without.holdForOthers(view, gpus)
		if verdict := p.placeOn(ctx, view, gpus); verdict.final {
			return verdict.refusalStatus(ctx, view, view.AnyInUse() || anyHeld(gpus))
		}
	}
	status := without.FilterAlone(ctx, pod, node)
	if status.Code() == fwk.UnschedulableAndUnresolvable {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...)
	}
	return status
}

// HeldGPUs says in the cycle of a pod that takes devices how many thousandths of a GPU another
// pod has: of a MIG slice or a share its part of the memory. It is nil in the cycle of a pod
// that takes none.
func HeldGPUs(state fwk.CycleState) func(*v1.Pod) int64 {
	c := cycleOf(state)
	if c == nil {
		return nil
	}
	return c.MilliGPUsOf
}
