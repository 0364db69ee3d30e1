package deviceplacement

import (
	"context"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
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

// holdNominated records what pods nominated to the node would get there. One whose
// request is not understood, or that the node could never serve, is left out. One that does
// not fit yet gets what it will have once the pods of lower priority have gone: as these give
// back one device after the other, nobody else takes it.
func (p *Plugin) holdNominated(
	ctx context.Context, c *podCycle, view *dra.View, gpus placement.GPUStates, changes *podChanges, node fwk.NodeInfo,
) {
	if changes == nil {
		return
	}
	for _, uid := range slices.Sorted(maps.Keys(changes.nominated)) {
		nominated := changes.nominated[uid]
		request, err := p.source.ReadPod(nominated)
		if err != nil || request.Empty() {
			continue
		}
		own := c.ForPod(request).ViewNode(node.Node().Name, providedResources(node))
		held := gpus
		if !own.SamePool(view) {
			held = own.GPUs() // it looks at the GPUs of another driver
		}
		verdict, asked := p.placeFirst(ctx, own, held)
		if asked && verdict.Outcome == placement.Refused {
			cleared := c.WithoutReleased(node.Node().Name, podsBelow(node, nominated))
			later := cleared.ForPod(request).ViewNode(node.Node().Name, providedResources(node))
			verdict, _ = p.placeFirst(ctx, later, later.GPUs())
		}
		view.HoldChosen(gpus, own, verdict.Devices)
	}
}

// podsBelow are the pods of a node that have a lower priority than another pod.
func podsBelow(node fwk.NodeInfo, than *v1.Pod) map[types.UID]*v1.Pod {
	below := map[types.UID]*v1.Pod{}
	for _, info := range node.GetPods() {
		if pod := info.GetPod(); corev1helpers.PodPriority(pod) < corev1helpers.PodPriority(than) {
			below[pod.UID] = pod
		}
	}
	return below
}

// filterWithout is Filter as if the removed pods were gone.
func (p *Plugin) filterWithout(ctx context.Context, c *podCycle, changes *podChanges, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	name := node.Node().Name
	without := &podCycle{Cycle: c.Without(name, changes.removed)}
	if view := without.ViewNode(name, providedResources(node)); view != nil {
		gpus := view.GPUs()
		p.holdNominated(ctx, without, view, gpus, changes, node)
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
