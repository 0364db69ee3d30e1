package integration

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// priorityClass makes a priority class unless it is there.
func (s *space) priorityClass(name string, value int32) {
	s.t.Helper()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
	_, err := world.client.SchedulingV1().PriorityClasses().Create(s.ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		s.t.Fatal(err)
	}
}

// present counts the pods that are there and not about to go.
func (s *space) present(names []string) int {
	s.t.Helper()
	count := 0
	for _, name := range names {
		if pod, err := s.get(name); err == nil && pod.DeletionTimestamp == nil {
			count++
		}
	}
	return count
}

// A pod for all GPUs of a node gets them, although many pods of lower priority wait for the
// ones that its victims give back.
func TestPreemptedDevicesAreKept(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("above", 900)
	var holders []string
	for i := range 4 {
		name := fmt.Sprintf("holder-%d", i)
		s.create(s.pod(name, ashlar, "preemption"), request(whole, 1))
		holders = append(holders, name)
	}
	s.running(holders...)
	for i := range 20 {
		s.create(s.pod(fmt.Sprintf("waiting-%d", i), ashlar, "preemption"), request(whole, 1))
	}
	pod := s.pod("whole-node", ashlar, "preemption")
	pod.Spec.PriorityClassName = "above"
	start := time.Now()
	s.create(pod, request(whole, 4))
	s.running("whole-node")
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it ran after %v: others took what was freed for it", took)
	}
	if left := s.present(holders); left != 0 {
		t.Errorf("%d holders are left of a node that one pod fills", left)
	}
}

// Nobody is evicted for a gang that needs more than the nodes have.
func TestPreemptionSparesForHopelessGang(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("above", 900)
	s.create(s.pod("holder", ashlar, "preemption"), request(whole, 4))
	s.running("holder")
	s.podGroup("vain", 3) // of two GPUs each
	for i := range 3 {
		pod := s.pod(fmt.Sprintf("vain-%d", i), ashlar, "preemption")
		pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": "vain"}
		pod.Spec.PriorityClassName = "above"
		s.create(pod, request(whole, 2))
	}
	for deadline := time.Now().Add(12 * time.Second); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		if s.present([]string{"holder"}) == 0 {
			t.Fatal("the holder was evicted for a gang that cannot start")
		}
	}
}

// Of two pods that would do, the one goes that no budget protects.
func TestPreemptionKeepsBudgets(t *testing.T) {
	s := newSpace(t)
	s.priorityClass("above", 900)
	for _, name := range []string{"protected", "other"} {
		pod := s.pod(name, ashlar, "preemption")
		pod.Labels = map[string]string{"app": name}
		s.create(pod, request(whole, 2))
	}
	s.running("protected", "other")
	all := intstr.FromString("100%")
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "protected", Namespace: s.name},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "protected"}},
		},
	}
	if _, err := world.client.PolicyV1().PodDisruptionBudgets(s.name).Create(s.ctx, budget, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := s.pod("urgent", ashlar, "preemption")
	pod.Spec.PriorityClassName = "above"
	s.create(pod, request(whole, 2))
	s.running("urgent")
	if got, err := s.get("protected"); err != nil || got.Status.Phase != corev1.PodRunning || got.DeletionTimestamp != nil {
		t.Errorf("the protected pod is not running: %v", err)
	}
}
