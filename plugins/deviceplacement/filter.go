package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Filter chooses devices on the node and lets the in-tree Filter confirm them.
// The framework runs it in parallel over nodes, never twice at once for one node:
// each call writes only the placeholders of its own node's pools.
func (p *Plugin) Filter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node fwk.NodeInfo) *fwk.Status {
	c := cycleOf(state)
	if c == nil {
		return p.DynamicResources.Filter(ctx, state, pod, node)
	}
	changes := changesOf(state)
	if changes != nil && len(changes.removed) > 0 {
		return p.filterWithout(ctx, c, changes, pod, node)
	}
	name := node.Node().Name
	view := c.ViewNode(name, providedResources(node))
	c.ShowOthers(name)
	if view == nil {
		return p.DynamicResources.Filter(ctx, state, pod, node)
	}
	gpus := view.GPUs()
	p.holdNominated(ctx, c, gpus, changes, node)
	verdict := p.placeOn(ctx, view, gpus)
	if verdict.final {
		if because := view.WhyTooSmall(ctx); because != "" {
			metrics.CountModelTooLarge()
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) "+view.TooSmallReason(ctx))
		}
		return verdict.refusalStatus(ctx, view, view.AnyInUse() || anyHeld(gpus))
	}
	if verdict.Outcome == placement.Fits {
		view.ShowChosen(verdict.Devices)
		if status := p.DynamicResources.Filter(ctx, state, pod, node); status.IsSuccess() {
			return status
		}
	}
	// The in-tree search has the last word on whatever is not understood here.
	if !view.ShowLargeEnough(ctx) {
		metrics.CountModelTooLarge()
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) "+view.TooSmallReason(ctx))
	}
	status := p.refineRefusal(ctx, view, gpus, p.DynamicResources.Filter(ctx, state, pod, node))
	if status.Code() == fwk.UnschedulableAndUnresolvable && (view.AnyInUse() || anyHeld(gpus)) {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...) // it may fit once that is gone
	}
	return status
}

// providedResources are the extended resources that the node's device plugins hand out.
func providedResources(node fwk.NodeInfo) map[v1.ResourceName]int64 {
	return node.GetAllocatable().GetScalarResources()
}
