package clustermap

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
)

// ListWaiting are those of the pods that wait for GPUs, the one that waits longest first.
func ListWaiting(pods []*corev1.Pod) []WaitingPod {
	waiting := []WaitingPod{}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil ||
			pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed ||
			len(pod.Spec.ResourceClaims) == 0 && !deviceplugin.AsksForGPUs(pod) {
			continue
		}
		one := WaitingPod{Namespace: pod.Namespace, Name: pod.Name, Since: pod.CreationTimestamp.UTC()}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
				one.Reason = cmp.Or(condition.Message, condition.Reason)
			}
		}
		waiting = append(waiting, one)
	}
	slices.SortFunc(waiting, func(a, b WaitingPod) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return waiting
}
