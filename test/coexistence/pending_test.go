package coexistence

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// describePending says of each pod without a node, five at most, whose it is, what its scheduler said last
// and what its claim holds: "beside-7 of default-scheduler: 0/40 nodes are available; its claim holds
// gpu-3 of node-4".
func describePending(ctx context.Context) (string, error) {
	pods, err := world.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName="})
	if err != nil {
		return "", err
	}
	var lines []string
	for i := range pods.Items {
		if i == 5 {
			lines = append(lines, fmt.Sprintf("and %d more", len(pods.Items)-i))
			break
		}
		pod := &pods.Items[i]
		claim, err := world.client.ResourceV1().ResourceClaims(namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintf("%s of %s: %s; its claim holds %s",
			pod.Name, pod.Spec.SchedulerName, lastWord(pod), describeHeld(claim)))
	}
	return strings.Join(lines, "\n"), nil
}

// lastWord is what a scheduler wrote last about a pod that waits.
func lastWord(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled {
			return fmt.Sprintf("%s at %s: %s", condition.Reason, condition.LastTransitionTime.Format("15:04:05"), condition.Message)
		}
	}
	return "nothing was said"
}

// describeHeld names the devices of a claim.
func describeHeld(claim *resourceapi.ResourceClaim) string {
	if claim.Status.Allocation == nil {
		return "nothing"
	}
	var names []string
	for _, result := range claim.Status.Allocation.Devices.Results {
		names = append(names, result.Device+" of "+result.Pool)
	}
	return strings.Join(names, ", ")
}
