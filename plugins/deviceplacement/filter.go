package deviceplacement

import (
	"context"
	"slices"
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
	changes := changesOf(state)
	if changes != nil && len(changes.removed) > 0 {
		return p.filterWithout(ctx, c, changes, pod, node)
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
	held := c.held.state(gpus)
	p.holdNominated(ctx, gpus, held, changes, node)
	verdict := p.place(ctx, c.ask, gpus, held, node)
	if verdict.final {
		if because := gpus.whyTooSmall(ctx, p.expressions, c.ask); because != "" {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, because)
		}
		return refusal(verdict, held)
	}
	if verdict.Outcome == placement.Fits {
		gpus.showOnly(verdict.devices(), c.held[gpus])
		if status := p.DynamicResources.Filter(ctx, state, pod, node); status.IsSuccess() {
			return status
		}
	}
	// The in-tree search has the last word on whatever is not understood here.
	if !gpus.showLargeEnough(c.ask.server, c.held[gpus]) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, gpus.whyTooSmall(ctx, p.expressions, c.ask))
	}
	status := p.DynamicResources.Filter(ctx, state, pod, node)
	if status.Code() == fwk.UnschedulableAndUnresolvable && anyHeld(held) {
		return fwk.NewStatus(fwk.Unschedulable, status.Reasons()...) // it may fit once that is gone
	}
	return status
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
	devices := make([]int, len(v.Devices))
	for i, grant := range v.Devices {
		devices[i] = grant.Device
	}
	return devices
}

// place asks placement for the most preferred combination of alternatives that
// fits. If none does, the verdict is about the first.
func (p *Plugin) place(ctx context.Context, a *ask, gpus *pool, state placement.GPUStates, node fwk.NodeInfo) nodeVerdict {
	undecided := nodeVerdict{Verdict: placement.Verdict{Outcome: placement.Undecided}}
	if a.opaque != "" {
		return undecided
	}
	var first nodeVerdict
	for request := range gpus.requests(ctx, p.expressions, a, provided(node)) {
		verdict := nodeVerdict{
			Verdict: placement.Place(gpus.gpus.inventory, state, request, p.policy),
			request: request,
		}
		if verdict.Outcome != placement.Refused {
			return verdict
		}
		verdict.final = !p.servedElsewhere(ctx, a, gpus)
		if first.request == nil {
			first = verdict
		}
	}
	return first
}

// servedElsewhere reports whether devices outside the node's GPU pool could serve
// any of what the pod asks for, so that this pool's refusal is not the last word.
func (p *Plugin) servedElsewhere(ctx context.Context, a *ask, gpus *pool) bool {
	if p.pools.foreign > 0 {
		return true // not looked into
	}
	for _, other := range p.pools.byNode[gpus.node] {
		if other == gpus {
			continue
		}
		for i := range a.requests {
			for j := range a.requests[i].alternatives {
				if !other.match(ctx, p.expressions, a.requests[i].alternatives[j].selectors).devices.Empty() {
					return true
				}
			}
		}
	}
	return ctx.Err() != nil
}

// provided are the extended resources that the node's device plugins hand out.
func provided(node fwk.NodeInfo) map[v1.ResourceName]int64 {
	return node.GetAllocatable().GetScalarResources()
}

// refusal turns a verdict into a status. Nodes where something is in use may fit
// once it is gone, which is what preemption looks for.
func refusal(verdict nodeVerdict, state placement.GPUStates) *fwk.Status {
	code := fwk.UnschedulableAndUnresolvable
	if anyHeld(state) {
		code = fwk.Unschedulable
	}
	var reasons []string
	for _, reason := range verdict.Reasons {
		reasons = append(reasons, reason.String())
	}
	return fwk.NewStatus(code, strings.Join(reasons, "; "))
}

func anyHeld(state placement.GPUStates) bool {
	return slices.ContainsFunc(state, func(gpu placement.GPUState) bool { return !gpu.Free() })
}
