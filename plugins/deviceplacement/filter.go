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
	if counted := countedOf(state); counted != nil {
		if status := p.filterCounted(counted, node); status != nil {
			return status
		}
	}
	c := cycleOf(state)
	if c == nil {
		return p.DynamicResources.Filter(ctx, state, pod, node)
	}
	if status := p.filterClaimed(node); status != nil {
		return status
	}
	changes := changesOf(state)
	if changes != nil && len(changes.removed) > 0 {
		return p.filterWithout(ctx, c, changes, pod, node)
	}
	name := node.Node().Name
	view := c.ViewNode(name, providedResources(node))
	if view == nil {
		c.ShowOthers(ctx, name)
		return p.DynamicResources.Filter(ctx, state, pod, node)
	}
	gpus := view.GPUs()
	p.holdNominated(ctx, c, view, gpus, changes, node)
	inUse := view.AnyInUse() || anyHeld(gpus)
	verdict := p.placeOn(ctx, view, gpus)
	if because := view.WhyOthersLack(ctx); because != "" && (!verdict.final || view.WhyUnsupplied(ctx, &verdict.Verdict) != "") {
		return fwk.NewStatus(fwk.Unschedulable, because)
	}
	if verdict.final {
		if because := view.WhyTooSmall(ctx); because != "" {
			metrics.CountModelTooLarge()
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, because)
		}
		return verdict.refusalStatus(ctx, view, inUse)
	}
	for tries := 0; verdict.Outcome == placement.Fits; tries++ {
		view.ShowChosen(ctx, verdict.Devices)
		if status := p.DynamicResources.Filter(ctx, state, pod, node); status.IsSuccess() {
			return status
		}
		if tries == maxTies || !verdict.request.ExcludeValues(verdict.Devices) {
			break
		}
		verdict.Verdict = placement.Place(view.Inventory(), gpus, verdict.request, p.options.Policy)
	}
	// The in-tree search has the last word on whatever is not understood here.
	if !view.ShowLargeEnough(ctx) {
		metrics.CountModelTooLarge()
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, view.WhyTooSmall(ctx))
	}
	status := p.DynamicResources.Filter(ctx, state, pod, node)
	if status.Code() == fwk.UnschedulableAndUnresolvable && inUse {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...) // it may fit once that is gone
	}
	return status
}

// maxTies is how many values of an attribute that GPUs share with devices of other drivers are
// tried before the in-tree code searches by itself.
const maxTies = 4

// providedResources are the extended resources that the node's device plugins hand out.
func providedResources(node fwk.NodeInfo) map[v1.ResourceName]int64 {
	return node.GetAllocatable().GetScalarResources()
}
