package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// PreFilter runs the in-tree PreFilter on placeholders and reads the pod.
func (p *Plugin) PreFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) (*fwk.PreFilterResult, *fwk.Status) {
	state.Delete(cycleKey)
	cycle, result, status := p.source.PreFilter(ctx, state, pod, nodes)
	if cycle != nil {
		state.Write(cycleKey, &podCycle{Cycle: cycle})
		p.announceDoubts(pod)
	}
	if status.IsRejected() {
		status = fwk.NewStatus(status.Code(), p.withClasses(status.Reasons())...)
	}
	return result, status
}
