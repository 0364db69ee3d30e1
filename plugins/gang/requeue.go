package gang

import (
	"context"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// EventsToRegister says what may let a member start that this plugin rejected: another
// pod, or room for the member on whose account it was rejected. That member may itself be
// one of those that gave a node back, so every member listens for room. Beside these, the
// first member that gets a node has its siblings tried at once, and a group that changes
// all its members.
func (p *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: p.hintPodGone},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceClaim, ActionType: fwk.Update | fwk.Delete}, QueueingHintFn: p.hintClaimReleased},
		{Event: fwk.ClusterEvent{Resource: fwk.ResourceSlice, ActionType: fwk.Add | fwk.Update}, QueueingHintFn: p.hintRoom},
		{
			Event: fwk.ClusterEvent{
				Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint,
			},
			QueueingHintFn: p.hintRoom,
		},
	}, nil
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

// retryMembers has the members tried again, whichever plugin refused them, whose group was made
// or says something else: the one that places devices refuses them by what the group asks for,
// and where PodGroups are not installed it cannot listen for them. A group's status, which
// changes as pods run, is no reason. Nobody was refused before this process tried a pod.
func (p *Plugin) retryMembers(before, after any) {
	group, ok := after.(*v1alpha1.PodGroup)
	if !ok || !p.schedules.Load() {
		return
	}
	if earlier, ok := before.(*v1alpha1.PodGroup); ok && equality.Semantic.DeepEqual(earlier.Spec, group.Spec) &&
		equality.Semantic.DeepEqual(earlier.Annotations, group.Annotations) {
		return
	}
	key := groupKey{Namespace: group.Namespace, Name: group.Name}
	members, err := p.members.listMembers(key)
	if err != nil {
		klog.Background().Error(err, "Trying the pods of a group that changed", "podGroup", key)
		return
	}
	waiting := map[string]*v1.Pod{}
	for _, member := range members {
		if member.Spec.NodeName == "" {
			waiting[member.Namespace+"/"+member.Name] = member
		}
	}
	p.handle.Activate(klog.Background(), waiting)
}
