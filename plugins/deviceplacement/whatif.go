package deviceplacement

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// What follows is for programs that run scheduling cycles on a copy of a cluster, and
// want to know rather than to act.

// NewWith returns a factory of the plugin under a policy other than the scheduler's.
// built is called with each plugin that it makes.
func NewWith(policy placement.Policy, built func(*Plugin)) func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return func(ctx context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		p, err := newPlugin(ctx, h, policy)
		if err != nil {
			return nil, err
		}
		built(p)
		return p, nil
	}
}

// Placed is a pod that has devices, with the claims that hold them.
type Placed struct {
	Pod    *v1.Pod
	Claims []*resourceapi.ResourceClaim
}

// Learn lets the plugin learn from pods that another scheduler placed, in this order,
// which pods to expect, as if it had placed them itself.
func (p *Plugin) Learn(placed []Placed) error {
	slices, err := p.dra.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil {
		return err
	}
	p.pools.update(slices)
	for _, one := range placed {
		if gpus := p.pools.gpuPool(one.Pod.Spec.NodeName); gpus != nil {
			p.outlook.ObservePod(cpuOf(one.Pod), gpus.gpus.inventory, gpus.grants(one.Claims))
		}
	}
	return nil
}

// Explain is what PostFilter says of a pod that no node was good enough for: why
// nothing fits, and the smallest changes after which it would. Unlike PostFilter it
// gives no allocation back, and nobody queues behind it: it may take its time.
func (p *Plugin) Explain(ctx context.Context, state fwk.CycleState, statuses fwk.NodeToStatusReader, within time.Duration) string {
	c := cycleOf(state)
	if c == nil {
		return ""
	}
	p.patience = within
	return p.explain(ctx, c, p.refusedHere(statuses))
}
