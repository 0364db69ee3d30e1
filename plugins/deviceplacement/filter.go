package deviceplacement

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
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
	if c == nil && countedOf(state) != nil {
		return nil // the in-tree PreFilter had nothing to do
	}
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
	refusals := c.refusals
	if changes != nil || len(c.held[name]) > 0 {
		refusals = nil // the node is not as others of its class
	}
	if known := refusals.find(name); known != nil {
		return known
	}
	gpus := view.GPUs()
	p.holdNominated(ctx, c, view, gpus, changes, node)
	if c.showPlanned(ctx, view, gpus) {
		if status := p.DynamicResources.Filter(ctx, state, pod, node); status.IsSuccess() {
			return status
		}
	}
	c.holdForOthers(view, gpus)
	inUse := view.AnyInUse() || anyHeld(gpus)
	verdict := p.placeOn(ctx, view, gpus)
	if because := view.WhyOthersLack(ctx); because != "" && (!verdict.final || view.WhyUnsupplied(ctx, &verdict.Verdict) != "") {
		return fwk.NewStatus(fwk.Unschedulable, because+whileFree(&verdict, gpus))
	}
	if verdict.final {
		if because := view.WhyTooSmall(ctx); because != "" {
			metrics.CountModelTooLarge()
			return refusals.note(name, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) "+view.TooSmallReason(ctx)))
		}
		return refusals.note(name, verdict.refusalStatus(ctx, view, inUse))
	}
	p.preferNear(ctx, view, gpus, &verdict)
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
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) "+view.TooSmallReason(ctx))
	}
	status := p.refineRefusal(ctx, view, gpus, p.DynamicResources.Filter(ctx, state, pod, node))
	if status.Code() == fwk.UnschedulableAndUnresolvable && inUse {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...) // it may fit once that is gone
	}
	return status
}

// whileFree says how many GPUs are free beside what is not, for a pod that asks for some.
func whileFree(verdict *nodeVerdict, gpus placement.GPUStates) string {
	switch free := gpus.FreeGPUs().Len(); {
	case free == 0 || verdict.request == nil || len(verdict.request.Parts) == 0:
		return ""
	case free == 1:
		return ", while 1 GPU is free"
	default:
		return fmt.Sprintf(", while %d GPUs are free", free)
	}
}

// preferNear takes GPUs that are near free devices of other drivers which the pod asks for too,
// if they are no worse than those chosen.
func (p *Plugin) preferNear(ctx context.Context, view *dra.View, gpus placement.GPUStates, verdict *nodeVerdict) {
	if verdict.Outcome != placement.Fits {
		return
	}
	if near := view.NearOthers(ctx, verdict.request); near != nil {
		other := placement.Place(view.Inventory(), gpus, near, p.options.Policy)
		if other.Outcome == placement.Fits && !verdict.Rating.Better(other.Rating) {
			verdict.Verdict = other
		}
	}
}

// maxTies is how many values of an attribute that GPUs share with devices of other drivers are
// tried before the in-tree code searches by itself.
const maxTies = 4

// providedResources are the extended resources that the node's device plugins hand out.
func providedResources(node fwk.NodeInfo) map[v1.ResourceName]int64 {
	return node.GetAllocatable().GetScalarResources()
}
