package gang

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

func queuedPod(name, group string, priority int32, firstAttempt time.Duration) fwk.QueuedEntityInfo {
	pod := memberPod(name, group)
	pod.Spec.Priority = ptr.To(priority)
	return &framework.QueuedPodInfo{
		PodInfo:        &framework.PodInfo{Pod: pod},
		QueueingParams: framework.QueueingParams{Timestamp: noon, InitialAttemptTimestamp: ptr.To(noon.Add(firstAttempt))},
	}
}

// A group of kube-scheduler's own stands in the queue as one entity.
func queuedGroup(name string, priority int32, firstAttempt time.Duration) fwk.QueuedEntityInfo {
	return &framework.QueuedPodGroupInfo{
		PodGroupInfo: &framework.PodGroupInfo{
			Namespace: space,
			Name:      name,
			PodGroup: &schedulingv1beta1.PodGroup{
				ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name},
				Spec:       schedulingv1beta1.PodGroupSpec{Priority: ptr.To(priority)},
			},
		},
		QueueingParams: framework.QueueingParams{Timestamp: noon, InitialAttemptTimestamp: ptr.To(noon.Add(firstAttempt))},
	}
}

func TestLess(t *testing.T) {
	// Groups "early" and "late" were made 60 and 30 minutes before noon; "failed" was
	// made with "early" and failed 10 minutes before noon.
	for name, tc := range map[string]struct{ first, second fwk.QueuedEntityInfo }{
		"higher priority, though later":             {queuedPod("b", "", 10, 0), queuedPod("a", "", 5, -2*time.Hour)},
		"earlier attempt":                           {queuedPod("b", "", 0, -2*time.Minute), queuedPod("a", "", 0, -time.Minute)},
		"same time, by name":                        {queuedPod("a", "", 0, 0), queuedPod("b", "", 0, 0)},
		"group counts from when it was made":        {queuedPod("b", "early", 0, 0), queuedPod("a", "", 0, -50*time.Minute)},
		"groups by when they were made":             {queuedPod("b", "early", 0, 0), queuedPod("a", "late", 0, -time.Minute)},
		"members of a group by name":                {queuedPod("a", "early", 0, 0), queuedPod("b", "early", 0, -time.Minute)},
		"a group that failed goes back":             {queuedPod("b", "late", 0, 0), queuedPod("a", "failed", 0, 0)},
		"a group that is missing counts as none":    {queuedPod("b", "missing", 0, -time.Minute), queuedPod("a", "", 0, 0)},
		"a group of kube-scheduler by its time":     {queuedGroup("b", 0, -time.Minute), queuedPod("a", "", 0, 0)},
		"a group of kube-scheduler by its priority": {queuedGroup("b", 7, 0), queuedPod("a", "early", 3, 0)},
		"a group of kube-scheduler by name":         {queuedPod("a", "", 0, 0), queuedGroup("b", 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			s.addGroup("early", nil)
			s.addGroup("late", func(group *v1alpha1.PodGroup) { group.CreationTimestamp = metav1.NewTime(noon.Add(-30 * time.Minute)) })
			s.addGroup("failed", nil)
			s.clock.SetTime(noon.Add(-10 * time.Minute))
			s.ledger.noteFailure(groupKey{Namespace: space, Name: "failed"}, "")
			s.clock.SetTime(noon)
			if !s.Less(tc.first, tc.second) {
				t.Error("want the first before the second")
			}
			if s.Less(tc.second, tc.first) {
				t.Error("the second must not also stand before the first")
			}
		})
	}
}

// A pod that was never attempted sorts by when it was put into the queue.
func TestLessOfPodsNeverAttempted(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	waiting := func(name string, since time.Duration) fwk.QueuedEntityInfo {
		return &framework.QueuedPodInfo{
			PodInfo:        &framework.PodInfo{Pod: memberPod(name, "")},
			QueueingParams: framework.QueueingParams{Timestamp: noon.Add(since)},
		}
	}
	if !s.Less(waiting("b", -time.Minute), waiting("a", 0)) {
		t.Error("want the pod that has waited longer first")
	}
}

// With GenericWorkload on, a pod in a group of kube-scheduler's own is not ours.
func TestGroupOf(t *testing.T) {
	own := memberPod("pod", "ours")
	both := memberPod("pod", "ours")
	both.Spec.SchedulingGroup = &v1.PodSchedulingGroup{PodGroupName: ptr.To("theirs")}
	for name, tc := range map[string]struct {
		pod     *v1.Pod
		gateOn  bool
		wantKey string
	}{
		"no label":                             {pod: memberPod("pod", "")},
		"label":                                {pod: own, wantKey: "ours"},
		"label, gate on":                       {pod: own, gateOn: true, wantKey: "ours"},
		"label and scheduling group, gate off": {pod: both, wantKey: "ours"},
		"label and scheduling group, gate on":  {pod: both, gateOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			s.leaveSchedulingGroups = tc.gateOn
			key, ok := s.groupOf(tc.pod)
			if ok != (tc.wantKey != "") || ok && key.Name != tc.wantKey {
				t.Errorf("got %q, %v; want %q", key.Name, ok, tc.wantKey)
			}
		})
	}
}
