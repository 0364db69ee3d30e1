package dryrun

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// whyStays says why a pod is not moved, "" if it may be.
func (d *defragPlanner) whyStays(pod *corev1.Pod, claims []*resourceapi.ResourceClaim, consent moveConsent) string {
	owner := metav1.GetControllerOf(pod)
	if reason := whyOnNode(pod); reason != "" {
		return reason
	}
	switch {
	case owner == nil:
		return "no controller would make it anew"
	case owner.Kind == "Node":
		return "static pods stay on their node"
	case pod.Spec.SchedulerName != d.question.Scheduler:
		return fmt.Sprintf("%s would place it again, not %s", pod.Spec.SchedulerName, d.question.Scheduler)
	case pod.Labels[v1alpha1.PodGroupLabel] != "" || pod.Spec.SchedulingGroup != nil:
		return "it is one of a group, which would stop as a whole"
	case d.excluded[pod.UID]:
		return "the scheduler would not put it where that helps"
	}
	for _, claim := range claims {
		if !ownsClaim(pod, claim) {
			return "its claim is not its own: the pod made anew would have the same devices"
		}
	}
	budgets := d.budgetsOf(pod)
	if len(budgets) > 1 {
		return "several PodDisruptionBudgets cover it, of which the API server takes one"
	}
	for _, budget := range budgets {
		if budget.Status.DisruptionsAllowed < 1 {
			return fmt.Sprintf("PodDisruptionBudget %s allows no eviction now", budget.Name)
		}
	}
	if consent == asAllowed && !d.allowsMoving(pod) {
		return "neither it nor its PriorityClass has the annotation " + deviceapi.MovableAnnotation + ": \"true\""
	}
	return ""
}

// allowsMoving reports whether a pod, or else its class, allows that it is moved.
func (d *defragPlanner) allowsMoving(pod *corev1.Pod) bool {
	if value, said := pod.Annotations[deviceapi.MovableAnnotation]; said {
		return value == "true"
	}
	for _, class := range d.objects.Priorities {
		if class.Name == pod.Spec.PriorityClassName {
			return class.Annotations[deviceapi.MovableAnnotation] == "true"
		}
	}
	return false
}

// budgetsOf are the budgets that cover a pod.
func (d *defragPlanner) budgetsOf(pod *corev1.Pod) []*policyv1.PodDisruptionBudget {
	return slices.DeleteFunc(slices.Clone(d.objects.Budgets), func(budget *policyv1.PodDisruptionBudget) bool {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		return err != nil || budget.Namespace != pod.Namespace || !selector.Matches(labels.Set(pod.Labels))
	})
}

// startedAt is when a pod began to run, as far as that is known.
func startedAt(pod *corev1.Pod) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return pod.CreationTimestamp.Time
}

// YoungestObject is when the youngest pod or claim was made: no earlier was a snapshot taken.
func (o *ClusterObjects) YoungestObject() time.Time {
	var youngest time.Time
	note := func(t metav1.Time) {
		if t.After(youngest) {
			youngest = t.Time
		}
	}
	for _, pod := range o.Pods {
		note(pod.CreationTimestamp)
	}
	for _, claim := range o.Claims {
		note(claim.CreationTimestamp)
	}
	return youngest
}
