package gang

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

func TestMeasureWaiting(t *testing.T) {
	created := func(pods []*v1.Pod, first time.Time) {
		for i, pod := range pods {
			pod.CreationTimestamp = metav1.NewTime(first.Add(time.Duration(i) * time.Second))
		}
	}
	early, late := noon.Add(-time.Hour), noon.Add(-time.Minute)
	for name, tc := range map[string]struct {
		given func(*fakeScheduler)
		want  map[metrics.GangCause]metrics.PendingPods
	}{
		"no group": {given: func(s *fakeScheduler) {}, want: map[metrics.GangCause]metrics.PendingPods{}},
		"one of each kind": {
			given: func(s *fakeScheduler) {
				s.addGroup("short", minMember(3))
				created(s.addMembers("short", 2), late)
				s.addGroup("complete", minMember(2))
				created(s.addMembers("complete", 2), early)
				s.addGroup("half", minMember(2))
				half := s.addMembers("half", 2)
				created(half, late)
				s.ledger.assignMember(groupKey{Namespace: space, Name: "half"}, half[0].UID)
				s.addGroup("started", minMember(2))
				for _, pod := range s.addMembers("started", 2) {
					s.ledger.assignMember(groupKey{Namespace: space, Name: "started"}, pod.UID)
				}
				s.addMembers("of no group", 2)
			},
			want: map[metrics.GangCause]metrics.PendingPods{
				metrics.MembersMissing: {Count: 1, Oldest: late},
				metrics.PlacesMissing:  {Count: 2, Oldest: early},
			},
		},
		"of another scheduler": {
			given: func(s *fakeScheduler) {
				s.profile = "ashlar"
				s.addGroup("theirs", minMember(2))
				s.addMembers("theirs", 2)
			},
			want: map[metrics.GangCause]metrics.PendingPods{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			tc.given(s)
			if got := s.measureWaiting(); got != nil {
				t.Errorf("before a pod was tried: got %v, want nothing", got)
			}
			s.PreFilter(context.Background(), framework.NewCycleState(), memberPod("pod", ""), nil)
			if diff := cmp.Diff(tc.want, s.measureWaiting()); diff != "" {
				t.Errorf("waiting (-want +got):\n%s", diff)
			}
		})
	}
}
