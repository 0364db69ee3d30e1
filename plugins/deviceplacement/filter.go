package deviceplacement

import (
	"context"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

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
	if removed := removedOf(state); removed != nil && len(removed.pods) > 0 {
		return p.filterWithout(ctx, c, removed, pod, node)
	}
	gpus := p.pools.gpuPool(node.Node().Name)
	for _, pool := range p.pools.byNode[node.Node().Name] {
		if pool != gpus {
			pool.showAll()
		}
	}
	if gpus == nil {
		return p.DynamicResources.Filter(ctx, state, pod, node)
	}
	verdict := p.place(ctx, c, gpus, gpus.state(c.allocated), node)
	if verdict.final {
		return refusal(verdict, gpus.state(c.allocated))
	}
	if verdict.Outcome == placement.Fits {
		gpus.showOnly(verdict.devices(), func(i int) bool { return gpus.inUse(c.allocated, i) })
		if status := p.DynamicResources.Filter(ctx, state, pod, node); status.IsSuccess() {
			return status
		}
	}
	// The in-tree search has the last word on whatever is not understood here.
	gpus.showAll()
	return p.DynamicResources.Filter(ctx, state, pod, node)
}

// nodeVerdict is placement's answer for one node.
type nodeVerdict struct {
	placement.Verdict
	request *placement.Request
	// final says that a refusal needs no second opinion: everything that the pod
	// asks for was understood, and only this pool could have served it.
	final bool
}

// devices lists the chosen devices, as indexes into the pool, in the order of the
// requests.
func (v *nodeVerdict) devices() []int {
	devices := make([]int, len(v.Grants))
	for i, grant := range v.Grants {
		devices[i] = grant.Offer
	}
	return devices
}

// place asks placement for the most preferred combination of alternatives that
// fits. If none does, the verdict is about the first.
func (p *Plugin) place(ctx context.Context, c *cycle, gpus *pool, state placement.State, node fwk.NodeInfo) nodeVerdict {
	undecided := nodeVerdict{Verdict: placement.Verdict{Outcome: placement.Undecided}}
	if c.ask.opaque != "" {
		return undecided
	}
	var first nodeVerdict
	for request := range gpus.requests(ctx, p.expressions, c.ask, provided(node)) {
		if elsewhere(request) && p.otherPools(gpus) {
			return undecided
		}
		verdict := nodeVerdict{
			Verdict: placement.Place(gpus.gpus.inventory, state, request, p.policy),
			request: request,
		}
		verdict.final = verdict.Outcome == placement.Refused
		if verdict.Outcome != placement.Refused {
			return verdict
		}
		if first.request == nil {
			first = verdict
		}
	}
	return first
}

// elsewhere reports whether a part matches no GPU at all, so that it may be meant
// for devices of another driver.
func elsewhere(request *placement.Request) bool {
	for i := range request.Parts {
		if request.Parts[i].Accepts.Empty() {
			return true
		}
	}
	return false
}

// otherPools reports whether the node can reach devices outside its GPU pool.
func (p *Plugin) otherPools(gpus *pool) bool {
	return p.pools.foreign > 0 || len(p.pools.byNode[gpus.node]) > 1
}

// provided are the extended resources that the node's device plugins hand out.
func provided(node fwk.NodeInfo) map[v1.ResourceName]int64 {
	return node.GetAllocatable().GetScalarResources()
}

// refusal turns a verdict into a status. Nodes where something is in use may fit
// once it is gone, which is what preemption looks for.
func refusal(verdict nodeVerdict, state placement.State) *fwk.Status {
	code := fwk.UnschedulableAndUnresolvable
	for i := range state {
		if !state[i].Free() {
			code = fwk.Unschedulable
		}
	}
	var reasons []string
	for _, reason := range verdict.Reasons {
		reasons = append(reasons, reason.String())
	}
	return fwk.NewStatus(code, strings.Join(reasons, "; "))
}
