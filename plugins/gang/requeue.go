package gang

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// podGroupResource names PodGroups as the scheduler's event handlers expect resources
// that are not built in.
const podGroupResource fwk.EventResource = "podgroups.v1alpha1." + scheduling.GroupName

// GroupEvents are events of PodGroups after which a member may start that was rejected, whichever
// plugin did so for its group's sake.
func (p *Plugin) GroupEvents() []fwk.ClusterEventWithHint {
	return []fwk.ClusterEventWithHint{{
		Event:          fwk.ClusterEvent{Resource: podGroupResource, ActionType: fwk.Add | fwk.Update},
		QueueingHintFn: p.hintGroupChange,
	}}
}

// EventsToRegister says what may let a member start that this plugin rejected: another
// pod, a change of its own group or of what it says of it, or room for the member on whose account it was
// rejected. That member may itself be one of those that gave a node back, so every
// member listens for room. Beside these, the first member that gets a node has its
// siblings tried at once.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return append(p.GroupEvents(), []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.Update}, QueueingHintFn: p.hintOtherConstraints},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: p.hintPodGone},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceClaim, ActionType: fwk.Update | fwk.Delete}, QueueingHintFn: p.hintClaimReleased},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceSlice, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: p.hintRoom},
		{
			Event: fwk.ClusterEvent{
				Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint,
			},
			QueueingHintFn: p.hintRoom,
		},
	}...), nil
}

// hintOtherConstraints has a member tried again if its own annotations say something else of what
// members must share.
func (p *Plugin) hintOtherConstraints(_ klog.Logger, pod *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	earlier, later, err := schedutil.As[*v1.Pod](before, after)
	if err != nil {
		return fwk.Queue, err
	}
	if _, ok := p.groupOf(pod); ok && groupcycle.ConstraintsDiffer(earlier.Annotations, later.Annotations) {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

// hintRoom has a member tried again whose group was rejected: there is room that was not
// there before.
func (p *Plugin) hintRoom(_ klog.Logger, pod *v1.Pod, _, _ any) (fwk.QueueingHint, error) {
	if key, ok := p.groupOf(pod); ok && !p.ledger.lastFailure(key).IsZero() {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}

// hintPodGone is hintRoom for a pod that left its node. The scheduler also says so of a
// pod that gave its node back before it ran: of the same group that is no news, or a
// rejected group would wake itself for ever.
func (p *Plugin) hintPodGone(logger klog.Logger, pod *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	gone, _, err := schedutil.As[*v1.Pod](before, after)
	if err != nil {
		return fwk.Queue, err
	}
	key, ok := p.groupOf(pod)
	if other, grouped := p.groupOf(gone); ok && grouped && other == key {
		return fwk.QueueSkip, nil
	}
	return p.hintRoom(logger, pod, before, after)
}

// hintClaimReleased is hintRoom for devices that a claim has given back.
func (p *Plugin) hintClaimReleased(logger klog.Logger, pod *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	earlier, later, err := schedutil.As[*resourceapi.ResourceClaim](before, after)
	if err != nil {
		return fwk.Queue, err
	}
	if earlier == nil || earlier.Status.Allocation == nil || later != nil && later.Status.Allocation != nil {
		return fwk.QueueSkip, nil
	}
	return p.hintRoom(logger, pod, before, after)
}

// hintGroupChange has a member tried again if its own group was made, or its spec or what members
// must share was changed. A group's status, which changes as pods run, is no reason.
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
		if equality.Semantic.DeepEqual(earlier.Object["spec"], changed.Object["spec"]) &&
			!groupcycle.ConstraintsDiffer(earlier.GetAnnotations(), changed.GetAnnotations()) {
			return fwk.QueueSkip, nil
		}
	}
	p.heard.noteGroup(changed)
	return fwk.Queue, nil
}
