package gang

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling"
)

// podGroupResource names PodGroups as the scheduler's event handlers expect resources
// that are not built in.
const podGroupResource fwk.EventResource = "podgroups.v1alpha1." + scheduling.GroupName

// EventsToRegister says what may let a member start that this plugin rejected: another
// pod, or a change of its own group. Beside these, the first member that gets a node
// has its siblings tried at once.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add}},
		{
			Event:          fwk.ClusterEvent{Resource: podGroupResource, ActionType: fwk.Add | fwk.Update},
			QueueingHintFn: p.hintGroupChange,
		},
	}, nil
}

// hintGroupChange has a member tried again if its own group was made or its spec was
// changed. A group's status, which changes as pods run, is no reason.
func (p *Plugin) hintGroupChange(_ klog.Logger, pod *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	key, ok := p.groupOf(pod)
	if !ok {
		return fwk.QueueSkip, nil
	}
	changed, ok := after.(*unstructured.Unstructured)
	if !ok {
		return fwk.Queue, fmt.Errorf("an event of a PodGroup carries a %T", after)
	}
	if changed.GetNamespace() != key.Namespace || changed.GetName() != key.Name {
		return fwk.QueueSkip, nil
	}
	if earlier, ok := before.(*unstructured.Unstructured); ok && earlier != nil {
		if equality.Semantic.DeepEqual(earlier.Object["spec"], changed.Object["spec"]) {
			return fwk.QueueSkip, nil
		}
	}
	return fwk.Queue, nil
}
