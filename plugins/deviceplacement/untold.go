package deviceplacement

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

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

// tellUntold explains pods without an explanation, until ctx ends. Of a replica that stands by nobody is told: its writes
// are refused before they are sent.
func (p *Plugin) tellUntold(ctx context.Context) {
	if !cache.WaitForCacheSync(ctx.Done(), p.source.HasClaims) {
		return
	}
	_ = wait.PollUntilContextCancel(ctx, tellEvery, false, func(ctx context.Context) (bool, error) {
		p.tellPods(ctx, p.listUntold(time.Now()))
		return false, nil
	})
}

// tellPods tells pods which claim is missing, and has the others tried again.
func (p *Plugin) tellPods(ctx context.Context, untold []*v1.Pod) {
	logger, told := klog.FromContext(ctx), 0
	for _, pod := range untold {
		because := p.describeMissing(pod, time.Now())
		switch {
		case because == "":
			p.tryAtOnce(logger, pod)
			continue
		case told == mostTold:
			return
		}
		told++
		if err := p.tellPod(ctx, pod, because); err != nil && !apierrors.IsConflict(err) { // a conflict: it has changed
			logger.V(2).Info("Why a pod waits is not told yet", "pod", klog.KObj(pod), "err", err)
			return
		}
	}
}

// listUntold lists the pods of this profile that wait, have no devices reserved, and have nothing in their status
// about it.
func (p *Plugin) listUntold(now time.Time) []*v1.Pod {
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
			return fmt.Sprintf("no ResourceClaim has been made yet from ResourceClaimTemplate %s: if it is not in namespace %s create it, or "+
				"correct its name in the pod's spec.resourceClaims; if it is, kubectl describe pod says why not",
				*ask.ResourceClaimTemplateName, pod.Namespace)
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

// tellPod writes why a pod waits to its status, and an event. It is a conflict if the pod is another one by now.
func (p *Plugin) tellPod(ctx context.Context, pod *v1.Pod, because string) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID, "resourceVersion": pod.ResourceVersion},
		"status": map[string]any{"conditions": []v1.PodCondition{{
			Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: v1.PodReasonUnschedulable, Message: because,
			LastTransitionTime: metav1.Now(),
			ObservedGeneration: podutil.CalculatePodConditionObservedGeneration(&pod.Status, pod.Generation, v1.PodScheduled),
		}}},
	})
	if err != nil {
		return err
	}
	pods := p.client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	p.sendEvent(pod, v1.EventTypeWarning, "FailedScheduling", because)
	return nil
}
