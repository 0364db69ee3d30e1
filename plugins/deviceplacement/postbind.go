package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// PostBind tells what the pod got.
func (p *Plugin) PostBind(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ string) {
	if c := cycleOf(state); c != nil && c.got != "" {
		p.sendEvent(pod, v1.EventTypeNormal, reasonDevicesAllocated, c.got)
	}
}
