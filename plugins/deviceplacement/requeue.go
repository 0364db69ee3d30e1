package deviceplacement

import (
	"context"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
)

// EventsToRegister adds to the in-tree plugin's events the end of a pod that was in the
// way of a nominated one, or had a device plugin's GPU, and what else decides here: the pod's own
// annotations, and all of its group.
//
// While DefaultPreemption ends several pods it gates the preemptor. If the claim of the
// first victim is released meanwhile, the queue tries the pod, finds it gated, and from
// then on listens to the gating plugin's only event, the deletion of a pod, for which it
// asks the plugins that refused the pod. The in-tree plugin has no such event, since it
// never frees devices by preemption: the pod would wait for the queue's periodic flush,
// minutes later.
//
// A pod that is not bound after all gives back devices that no claim in the API has, so that no
// change of a claim tells of it either.
func (p *Plugin) EventsToRegister(ctx context.Context) ([]fwk.ClusterEventWithHint, error) {
	events, err := p.DynamicResources.EventsToRegister(ctx)
	if err != nil {
		return nil, err
	}
	for i := range events {
		if events[i].Event.Resource == fwk.ResourceClaim {
			p.followHints(&events[i])
		}
	}
	return append(append(events, []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}, QueueingHintFn: p.requeueAfterVictim},
		{Event: fwk.ClusterEvent{Resource: fwk.TargetPod, ActionType: fwk.Update}, QueueingHintFn: requeueAnnotated},
	}...), p.groupEvents()...), nil
}

// requeueAnnotated tries a pod again whose own annotations of a model server are other ones.
func requeueAnnotated(_ klog.Logger, _ *v1.Pod, before, after any) (fwk.QueueingHint, error) {
	earlier, later, err := schedutil.As[*v1.Pod](before, after)
	if err != nil {
		return fwk.Queue, err
	}
	if maps.Equal(ownAnnotations(earlier), ownAnnotations(later)) {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}

// followHints notes the claims that an event is about before pods are tried again because of
// it: the source would hear of them by itself, maybe after such a pod was refused again.
func (p *Plugin) followHints(event *fwk.ClusterEventWithHint) {
	hint, preQueueing := event.QueueingHintFn, event.PreQueueingHintFn
	if hint != nil {
		event.QueueingHintFn = func(logger klog.Logger, pod *v1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
			p.source.NoteClaimEvent(oldObj, newObj)
			return hint(logger, pod, oldObj, newObj)
		}
	}
	if preQueueing != nil {
		event.PreQueueingHintFn = func(logger klog.Logger, oldObj, newObj any) (fwk.PreQueueingHintResult, error) {
			p.source.NoteClaimEvent(oldObj, newObj)
			return preQueueing(logger, oldObj, newObj)
		}
	}
}

// requeueAfterVictim tries a pod again once another one was not bound after all, has left the
// node that it is nominated for, or once one was ended by preemption anywhere: the victims of a gang
// are on many nodes, and the pod is gated until the last of them is gone. The queue's copy of a pod may
// not say yet that it is nominated: then it is tried if the other had the lower priority.
func (p *Plugin) requeueAfterVictim(_ klog.Logger, pod *v1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	gone, _, err := schedutil.As[*v1.Pod](oldObj, newObj)
	if err != nil {
		return fwk.Queue, err
	}
	if deviceplugin.AsksForGPUs(gone) {
		// A device plugin's GPU is free, or memory of one: that may be what was missing.
		return fwk.Queue, nil
	}
	if p.gaveBack(gone) && !sameGroup(pod, gone) { // a group would wake itself for ever
		return fwk.Queue, nil
	}
	nominated := pod.Status.NominatedNodeName
	switch {
	case nominated == gone.Spec.NodeName:
		return fwk.Queue, nil
	case nominated == "" || wasPreempted(gone):
		if corev1helpers.PodPriority(pod) > corev1helpers.PodPriority(gone) {
			return fwk.Queue, nil
		}
	}
	return fwk.QueueSkip, nil
}

// gaveBack reports whether a pod that is said to be gone had its node in the scheduler's memory alone
// and has given its devices back. Of one that is deleted while it is being bound the scheduler says so
// twice, at first without a node, when it still has them.
func (p *Plugin) gaveBack(pod *v1.Pod) bool {
	return pod.Spec.NodeName != "" &&
		!slices.ContainsFunc(pod.Status.Conditions, func(condition v1.PodCondition) bool {
			return condition.Type == v1.PodScheduled && condition.Status == v1.ConditionTrue
		})
}

// sameGroup reports whether two pods name one PodGroup.
func sameGroup(pod, other *v1.Pod) bool {
	key, ok := groupOf(pod)
	others, too := groupOf(other)
	return ok && too && key == others
}

// wasPreempted reports whether a scheduler ended the pod to make room.
func wasPreempted(pod *v1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(condition v1.PodCondition) bool {
		return condition.Type == v1.DisruptionTarget && condition.Reason == v1.PodReasonPreemptionByScheduler
	})
}
