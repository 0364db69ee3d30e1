package deviceplacement

import (
	"context"
	"time"

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
