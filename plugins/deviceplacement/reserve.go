package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// Reserve lets the in-tree plugin reserve, and notes what the pod takes for the later
// steps of its cycle.
func (p *Plugin) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	trace := traceOf(state)
	trace.KeepCycle() // Unreserve or PostBind ends it
	ctx, step := trace.StartStep(ctx, "Reserve")
	status := p.reserveDevices(ctx, state, pod, node)
	step.NoteText(tracing.NodeKey, node)
	if step.IsKept() {
		step.NoteText(tracing.DevicesKey, gotBy(state))
	}
	step.EndStep(status)
	if status.IsSuccess() {
		if group := groupcycle.GroupOf(state); group != nil {
			group.NoteArrived(pod)
		}
		p.plans.unbarPod(pod.UID)
		p.pending.noteCause(pod, metrics.Reserved)
	}
	return status
}

// reserveDevices reserves, and notes what the pod takes.
func (p *Plugin) reserveDevices(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	if status := p.forgetScored(ctx, state, pod, node); !status.IsSuccess() {
		return status
	}
	status := p.DynamicResources.Reserve(ctx, state, pod, node)
	if counted := countedOf(state); status.IsSuccess() && counted != nil {
		p.noteCounted(counted, node)
	}
	c := cycleOf(state)
	if status.IsSuccess() && (c != nil || countedOf(state) != nil) {
		p.recallBound() // PreScore did, unless one node alone was feasible
	}
	if !status.IsSuccess() || c == nil {
		return status
	}
	if c.group != nil && c.group.place != nil {
		p.plans.takeMember(c.group.group.Key, pod.UID)
	}
	view := c.ViewNode(node, nil)
	if view == nil {
		return status
	}
	if claims, asked := p.source.AskReserve(ctx, state, pod, node); asked.IsSuccess() {
		c.inventory, c.devices = view.Inventory(), view.DevicesOf(claims)
		c.got = describeDevices(node, view, c.devices)
	}
	return status
}

// Unreserve lets the in-tree plugin give back what was reserved, unless the pod may be bound. A group
// of which a member loses its place is planned anew.
func (p *Plugin) Unreserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	if !p.keepsClaims(ctx, state, pod) {
		p.DynamicResources.Unreserve(ctx, state, pod, node)
	}
	if !state.IsPodGroupSchedulingCycle() { // which gives back all, and reserves it again to bind
		traceOf(state).EndCycle(tracing.GivenBack, "")
		p.pending.noteCause(pod, "")
	}
	if group := groupcycle.GroupOf(state); group != nil {
		p.plans.dropPlan(group.Key)
	}
}

// forgetScored makes the in-tree plugin forget what PreScore asked it about other nodes if
// the pod has no claim and the node's device plugin has all that it asks for.
func (p *Plugin) forgetScored(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	c := cycleOf(state)
	if c == nil || scoresOf(state) == nil || len(pod.Spec.ResourceClaims) > 0 {
		return nil
	}
	if claims, asked := p.source.AskReserve(ctx, state, pod, node); !asked.IsSuccess() || len(claims) > 0 {
		return nil // the in-tree Reserve says what is wrong, or takes the place of what was asked
	}
	return p.source.ForgetAsked(ctx, state, pod)
}
