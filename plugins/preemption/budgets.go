package preemption

import (
	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// CountedBy says of pods whether their end counts against a budget. As for kube-scheduler, an empty selector is
// of no pod, and a pod that the budget counts as disrupted is counted once.
func CountedBy(budget *policy.PodDisruptionBudget) func(*v1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil || selector.Empty() {
		return func(*v1.Pod) bool { return false }
	}
	return func(pod *v1.Pod) bool {
		_, disrupted := budget.Status.DisruptedPods[pod.Name]
		return !disrupted && pod.Namespace == budget.Namespace && selector.Matches(labels.Set(pod.Labels))
	}
}
