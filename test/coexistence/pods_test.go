package coexistence

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// createPods creates pods that take turns among scheduler names; every fourth asks for a share of a
// GPU, the others for a whole one. All are deleted when the test ends.
func createPods(t *testing.T, prefix string, count int, schedulers ...string) {
	t.Helper()
	t.Cleanup(func() { deletePods(t) })
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for i := range count {
		name := fmt.Sprintf("%s-%d", prefix, i)
		of := schedulers[i%len(schedulers)]
		shared := i/len(schedulers)%4 == 3
		group.Go(func() error { return createPod(ctx, name, of, shared) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// createPod creates a pod and the claim that it uses, whose labels are the pod's.
func createPod(ctx context.Context, name, scheduler string, shared bool, change ...func(pod *corev1.Pod)) error {
	exactly := &resourceapi.ExactDeviceRequest{
		DeviceClassName: "gpu.ashlar.dev", AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
	}
	if shared {
		exactly.DeviceClassName = "share.gpu.ashlar.dev"
		exactly.Capacity = &resourceapi.CapacityRequirements{
			Requests: map[resourceapi.QualifiedName]resource.Quantity{"memory": resource.MustParse("20Gi")},
		}
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: corev1.PodSpec{
			SchedulerName:  scheduler,
			Containers:     []corev1.Container{{Name: "c", Image: "example.com/none"}},
			ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &name}},
		},
	}
	for _, c := range change {
		c(pod)
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: pod.Labels}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{Name: "gpu", Exactly: exactly}}
	if _, err := world.client.ResourceV1().ResourceClaims(namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := world.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	return err
}

// deletePods deletes all pods and claims and waits until they are gone.
func deletePods(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}
	if err := world.client.CoreV1().Pods(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if err := world.client.ResourceV1().ResourceClaims(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	for ctx.Err() == nil {
		claims, err := world.client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(claims.Items) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("claims were not gone after two minutes")
}

// boundPods is how many pods have a node.
func boundPods(ctx context.Context) (int, error) {
	pods, err := world.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	bound := 0
	for i := range pods.Items {
		if pods.Items[i].Spec.NodeName != "" {
			bound++
		}
	}
	return bound, nil
}

// awaitBound waits until so many pods have a node.
func awaitBound(t *testing.T, limit time.Duration, count int) {
	t.Helper()
	await(t, limit, fmt.Sprintf("%d pods to be bound", count), func(ctx context.Context) error {
		bound, err := boundPods(ctx)
		if err == nil && bound < count {
			err = fmt.Errorf("%d are", bound)
		}
		return err
	})
}
