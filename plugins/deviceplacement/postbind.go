package deviceplacement

import (
	"context"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// PostBind tells what the pod got.
func (p *Plugin) PostBind(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ string) {
	if c := cycleOf(state); c != nil && c.got != "" {
		p.sendEvent(pod, v1.EventTypeNormal, reasonDevicesAllocated, c.got)
	}
	p.pending.noteCause(pod, "")
	p.unanswered.Delete(pod.UID)
	traceOf(state).EndCycle(tracing.Bound, "")
	// Of a device plugin's GPUs the node is all that was decided, which is told already.
	if counted := countedOf(state); counted != nil && len(counted.doubts) > 0 {
		p.sendEvent(pod, v1.EventTypeWarning, reasonModelServerDoubt, strings.Join(counted.doubts, "; "))
	}
}
