package integration

import (
	"testing"

	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod of higher priority evicts a holder of devices, which the in-tree plugin
// cannot do, and evicts no more pods than it must.
func TestDevicesArePreempted(t *testing.T) {
	s := newSpace(t)
	urgent := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "urgent"}, Value: 1000}
	_, err := world.client.SchedulingV1().PriorityClasses().Create(s.ctx, urgent, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	holders := []string{"one", "three"}
	s.create(s.pod("one", ashlar, "preemption"), request(whole, 1))
	s.create(s.pod("three", ashlar, "preemption"), request(whole, 3))
	s.running(holders...)

	pod := s.pod("urgent", ashlar, "preemption")
	pod.Spec.PriorityClassName = "urgent"
	s.create(pod, request(whole, 1))
	s.running("urgent")
	left := 0
	for _, name := range holders {
		if _, err := s.get(name); err == nil {
			left++
		}
	}
	if left != 1 {
		t.Fatalf("one holder is evicted, not both: left = %v, want %v", left, 1)
	}
}
