package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// PreBind tells the forecast what the pod takes and lets the in-tree plugin write the
// claims. Nothing is learned before: a member of a gang may be reserved and given back
// many times without ever running.
func (p *Plugin) PreBind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	if c := cycleOf(state); c != nil && c.inventory != nil && p.forecast.observePod(pod, c.inventory, c.devices) {
		metrics.CountForecastUpdate()
	}
	return p.DynamicResources.PreBind(ctx, state, pod, node)
}
