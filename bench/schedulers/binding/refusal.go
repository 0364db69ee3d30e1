package binding

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Refusal is how long it took from the creation of a pod that fits nowhere until its status
// said why.
type Refusal struct {
	Seconds float64 `json:"seconds"`
	// Explained is false if the status did not say why as long as Seconds.
	Explained bool `json:"explained"`
	// Message is what the status says.
	Message string `json:"message"`
}

// TimeRefusal creates a claim and a pod, and waits until the pod's condition PodScheduled has a
// message with the text explained in it, or patience ends. It counts from when the pod is sent.
func TimeRefusal(
	ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, claim *resourceapi.ResourceClaim, explained string,
	patience time.Duration,
) (Refusal, error) {
	pods := client.CoreV1().Pods(pod.Namespace)
	if _, err := client.ResourceV1().ResourceClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return Refusal{}, fmt.Errorf("creating claim %s: %w", claim.Name, err)
	}
	events, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: labelOf(pod)})
	if err != nil {
		return Refusal{}, fmt.Errorf("watching pod %s: %w", pod.Name, err)
	}
	defer events.Stop()
	start := time.Now()
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return Refusal{}, fmt.Errorf("creating pod %s: %w", pod.Name, err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	last := ""
	for {
		select {
		case event, open := <-events.ResultChan():
			if !open {
				return Refusal{}, fmt.Errorf("watching pod %s: the watch ended", pod.Name)
			}
			seen, ok := event.Object.(*corev1.Pod)
			if !ok || seen.Name != pod.Name {
				continue
			}
			if last = refusalOf(seen); strings.Contains(last, explained) {
				return Refusal{Seconds: time.Since(start).Seconds(), Explained: true, Message: last}, nil
			}
		case <-late.C:
			return Refusal{Seconds: patience.Seconds(), Message: last}, nil
		case <-ctx.Done():
			return Refusal{}, fmt.Errorf("waiting for an explanation to pod %s: %w", pod.Name, context.Cause(ctx))
		}
	}
}

func labelOf(pod *corev1.Pod) string {
	return metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: pod.Labels})
}

// refusalOf is why the pod is not scheduled, "" if nothing says so.
func refusalOf(pod *corev1.Pod) string {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Message
		}
	}
	return ""
}
