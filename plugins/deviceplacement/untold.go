package deviceplacement

import (
	"context"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
)

// Why a pod waits is written to its status once, when it was refused. An API server that has just started
// and does not know its roles yet forbids that, and one that is gone for a second does not get it: the
// pod would have no explanation before it is tried again, after minutes. So it is tried again earlier.

// untoldAfter is how old a pod is that should have an explanation, and how often they are looked for.
const untoldAfter = 30 * time.Second

// retryUntold has pods without an explanation tried again, until ctx ends.
func (p *Plugin) retryUntold(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if untold := p.listUntold(time.Now()); len(untold) > 0 {
			p.tryAtOnce(klog.FromContext(ctx), untold...)
		}
	}, untoldAfter)
}

// listUntold lists the pods of this profile that wait and have nothing in their status about it; none as
// long as this process has tried no pod, and only stands by.
func (p *Plugin) listUntold(now time.Time) []*v1.Pod {
	if !p.pending.schedules.Load() {
		return nil
	}
	pods, err := p.pods.List(labels.Everything())
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(pods, func(pod *v1.Pod) bool {
		return !p.waitsHere(pod) || now.Sub(pod.CreationTimestamp.Time) < untoldAfter ||
			slices.ContainsFunc(pod.Status.Conditions, func(c v1.PodCondition) bool { return c.Type == v1.PodScheduled })
	})
}

// waitsHere reports whether a pod has no node and is for this profile to place.
func (p *Plugin) waitsHere(pod *v1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && (p.profile == "" || pod.Spec.SchedulerName == p.profile)
}
