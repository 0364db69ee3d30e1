package deviceplacement

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// A pod that waits without a word about it in its status is tried again: the word was lost.
func TestListUntold(t *testing.T) {
	now := time.Now()
	created := func(before time.Duration) func(*v1.Pod) {
		return func(pod *v1.Pod) { pod.CreationTimestamp = metav1.NewTime(now.Add(-before)) }
	}
	told := func(pod *v1.Pod) {
		pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: v1.PodReasonUnschedulable}}
	}
	doubted := func(pod *v1.Pod) {
		pod.Status.Conditions = []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionTrue}}
	}
	leaving := func(pod *v1.Pod) {
		pod.DeletionTimestamp, pod.Finalizers = &metav1.Time{Time: now}, []string{"example.com/keep"}
	}
	pods := []runtime.Object{
		newPod("untold", created(time.Minute)),
		newPod("other-condition", created(time.Minute), doubted),
		newPod("told", created(time.Minute), told),
		newPod("new", created(time.Second)),
		newPod("bound", created(time.Minute), on("n")),
		newPod("leaving", created(time.Minute), leaving),
		newPod("other-profile", created(time.Minute), func(pod *v1.Pod) { pod.Spec.SchedulerName = "another" }),
	}
	for _, object := range pods {
		if pod, ok := object.(*v1.Pod); ok && pod.Spec.SchedulerName == "" {
			pod.Spec.SchedulerName = "ours"
		}
	}
	s := newFakeScheduler(t, nil, nil, pods...)
	s.profile = "ours"
	if untold := s.listUntold(now); len(untold) > 0 {
		t.Errorf("%d pods are tried by a scheduler that stands by", len(untold))
	}
	s.pending.schedules.Store(true)
	var names []string
	for _, pod := range s.listUntold(now) {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"other-condition", "untold"}, names); diff != "" {
		t.Errorf("tried again (-want +got):\n%s", diff)
	}
}
