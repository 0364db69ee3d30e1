package deviceplacement

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// PostBind tells what the pod got.
func (p *Plugin) PostBind(_ context.Context, state fwk.CycleState, pod *v1.Pod, node string) {
	if c := cycleOf(state); c != nil && c.got != "" {
		p.sendEvent(pod, v1.EventTypeNormal, reasonDevicesAllocated, c.got)
	}
	counted := countedOf(state)
	if counted == nil || counted.got == "" {
		return
	}
	got := fmt.Sprintf("%s of %s", counted.got, node)
	if counted.product != "" {
		got += ", " + counted.product
	}
	p.sendEvent(pod, v1.EventTypeNormal, reasonDevicesAllocated, got)
	if len(counted.doubts) > 0 {
		p.sendEvent(pod, v1.EventTypeWarning, reasonModelServerDoubt, strings.Join(counted.doubts, "; "))
	}
}
