package deviceplacement

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// What follows is for programs that run scheduling cycles on a copy of a cluster, and
// want to know rather than to act. They make the plugin by Build.

// PlacedPod is a pod that has devices, with the claims that hold them.
type PlacedPod struct {
	Pod    *v1.Pod
	Claims []*resourceapi.ResourceClaim
}

// ReplayPods lets the plugin learn from pods that another scheduler placed, in this order,
// which pods to expect, as if it had placed them itself.
func (p *Plugin) ReplayPods(placed []PlacedPod) error {
	if err := p.source.Refresh(); err != nil {
		return err
	}
	for _, one := range placed {
		node := one.Pod.Spec.NodeName
		if inventory := p.source.Inventory(node); inventory != nil {
			p.forecast.demand.ObservePod(cpuOf(one.Pod), inventory, p.source.DevicesOn(node, one.Claims))
		}
	}
	return nil
}

// ExplainRefusal is what PostFilter says of a pod that no node was good enough for: why
// nothing fits, and the smallest changes after which it would. Unlike PostFilter it
// gives no allocation back, and nobody queues behind it: it may take its time.
func (p *Plugin) ExplainRefusal(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader, timeout time.Duration,
) string {
	return p.explainPod(ctx, state, pod, statuses, timeout).String()
}

// CountedGPUs are what a pod got from a node's device plugin.
type CountedGPUs struct {
	// Product is the model, "" if that is not told, and Got what there is of it for the
	// pod, for people.
	Product, Got string
	// Doubts are what could not be checked, each a sentence.
	Doubts []string
}

// CountedGPUs are what a pod got that was reserved on a node; false if that is nothing
// that a device plugin hands out.
func (p *Plugin) CountedGPUs(state fwk.CycleState) (CountedGPUs, bool) {
	counted := countedOf(state)
	if counted == nil || counted.got == "" {
		return CountedGPUs{}, false
	}
	return CountedGPUs{Product: counted.product, Got: counted.got, Doubts: counted.doubts}, true
}
