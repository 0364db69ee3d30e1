package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// Two kinds of pods wait without a word in their status. One that names a claim which is not there is
// kept out of the queue, and kube-scheduler says nothing of those: it is told here. Of one that was
// refused the word may be lost: an API server that has just started and does not know its roles yet
// forbids to write it, and one that is gone for a second does not get it. It is tried again, or it would
// have no explanation for minutes.

const (
	// tellEvery is how often pods are looked for that have no explanation, and untoldAfter how old one
	// is that should have it.
	tellEvery   = 5 * time.Second
	untoldAfter = 10 * time.Second
	// madeWithin is how long the controller-manager may take to make a claim from a template.
	madeWithin = 30 * time.Second
	// mostTold is how many pods are told at a time, so that others are not kept waiting for the API server.
	mostTold = 100
)

// tellUntold explains pods without an explanation, until ctx ends.
func (p *Plugin) tellUntold(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		logger, told := klog.FromContext(ctx), 0
		for _, pod := range p.listUntold(time.Now()) {
			because := p.describeMissing(pod, time.Now())
			switch {
			case because == "":
				p.tryAtOnce(logger, pod)
			case told < mostTold:
				told++
				if err := p.tellPod(ctx, pod, because); err != nil {
					logger.Error(err, "Why a pod waits is not told yet", "pod", klog.KObj(pod))
				}
			}
		}
	}, tellEvery)
}

// listUntold lists the pods of this profile that wait, have no devices reserved, and have nothing in their status
// about it; none as long as this process has tried no pod, and only stands by.
func (p *Plugin) listUntold(now time.Time) []*v1.Pod {
	if !p.pending.schedules.Load() {
		return nil
	}
	pods, err := p.pods.List(labels.Everything())
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(pods, func(pod *v1.Pod) bool {
		return !p.waitsHere(pod) || now.Sub(pod.CreationTimestamp.Time) < untoldAfter || p.pending.causeOf(pod) == metrics.Reserved ||
			slices.ContainsFunc(pod.Status.Conditions, func(c v1.PodCondition) bool { return c.Type == v1.PodScheduled })
	})
}

// waitsHere reports whether a pod has no node and is for this profile to place.
func (p *Plugin) waitsHere(pod *v1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && (p.profile == "" || pod.Spec.SchedulerName == p.profile)
}

// describeMissing says which of a pod's claims is not there; "" if all are, or a template's may be
// on its way.
func (p *Plugin) describeMissing(pod *v1.Pod, now time.Time) string {
	for i := range pod.Spec.ResourceClaims {
		ask := &pod.Spec.ResourceClaims[i]
		name, mustBeOwned, err := resourceclaim.Name(pod, ask)
		if err != nil && ask.ResourceClaimTemplateName != nil && now.Sub(pod.CreationTimestamp.Time) >= madeWithin {
			return fmt.Sprintf("no ResourceClaim has been made from ResourceClaimTemplate %s: create it in namespace %s, or correct its name in "+
				"the pod's spec.resourceClaims", *ask.ResourceClaimTemplateName, pod.Namespace)
		}
		if err != nil || name == nil {
			continue
		}
		claim, err := p.source.FindClaim(pod.Namespace, *name)
		switch {
		case err != nil:
			return fmt.Sprintf("ResourceClaim %s does not exist in namespace %s: create it, or correct its name in the pod's spec.resourceClaims",
				*name, pod.Namespace)
		case claim.DeletionTimestamp != nil:
			return fmt.Sprintf("ResourceClaim %s is being deleted: the pod is tried again once there is another of this name", *name)
		case mustBeOwned && resourceclaim.IsForPod(pod, claim, true) != nil:
			return fmt.Sprintf("ResourceClaim %s was not made for this pod: delete it, and another one is made", *name)
		}
	}
	return ""
}

// tellPod writes why a pod waits to its status, and an event.
func (p *Plugin) tellPod(ctx context.Context, pod *v1.Pod, because string) error {
	status := pod.Status.DeepCopy()
	podutil.UpdatePodCondition(status, &v1.PodCondition{
		Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: v1.PodReasonUnschedulable, Message: because,
		ObservedGeneration: podutil.CalculatePodConditionObservedGeneration(&pod.Status, pod.Generation, v1.PodScheduled),
	})
	if err := schedutil.PatchPodStatus(ctx, p.client, pod.Name, pod.Namespace, &pod.Status, status); err != nil {
		return err
	}
	p.sendEvent(pod, v1.EventTypeWarning, "FailedScheduling", because)
	return nil
}
