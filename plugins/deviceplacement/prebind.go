package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PreBind tells the forecast what the pod takes, lets the in-tree plugin write the
// claims, and confirms that no other scheduler has their devices. Nothing is learned
// before: a member of a gang may be reserved and given back many times without ever running.
func (p *Plugin) PreBind(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	ctx, step := traceOf(state).StartStep(ctx, "PreBind")
	status := p.writeClaims(ctx, state, pod, node)
	if status.IsSuccess() {
		state.Write(writtenKey, claimsWritten{})
	}
	step.EndStep(status)
	return status
}

// writeClaims does what PreBind says.
func (p *Plugin) writeClaims(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	inventory, devices := takenBy(state)
	if inventory != nil && p.forecast.observePod(pod, inventory, devices) {
		metrics.CountForecastUpdate()
	}
	status := p.DynamicResources.PreBind(dra.HoldToIntent(ctx), state, pod, node)
	if !status.IsSuccess() || p.guard == nil {
		return status
	}
	ctx, step := tracing.StartStep(ctx, "ConfirmDevices")
	status = fwk.AsStatus(p.guard.ConfirmPod(ctx, pod, node))
	step.EndStep(status)
	return status
}

// takenBy is what a pod takes of which GPUs, as Reserve noted it; nil if it takes none.
func takenBy(state fwk.CycleState) (*placement.Inventory, []placement.DeviceAllocation) {
	if c := cycleOf(state); c != nil && c.inventory != nil {
		return c.inventory, c.devices
	}
	if counted := countedOf(state); counted != nil {
		return counted.inventory, counted.devices
	}
	return nil, nil
}
