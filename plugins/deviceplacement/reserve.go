package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Reserve lets the in-tree plugin reserve, and notes what the pod takes for the later
// steps of its cycle.
func (p *Plugin) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	status := p.DynamicResources.Reserve(ctx, state, pod, node)
	if counted := countedOf(state); status.IsSuccess() && counted != nil {
		p.noteCounted(counted, node)
	}
	c := cycleOf(state)
	if !status.IsSuccess() || c == nil {
		return status
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
