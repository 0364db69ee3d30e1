package gang

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

func TestPermit(t *testing.T) {
	for name, tc := range map[string]struct {
		given func(*fakeScheduler)
		pod   *v1.Pod // a member of "gang" if nil

		want          fwk.Code
		wantReason    string
		wantTimeout   time.Duration
		wantActivated []string
		wantOutcomes  map[string]string
	}{
		"in no group": {given: func(*fakeScheduler) {}, pod: memberPod("pod", "")},
		"group not there": {
			given: func(*fakeScheduler) {},
			want:  fwk.Unschedulable, wantReason: "node(s) given back: PodGroup default/gang not found",
		},
		"unreadable groups": {
			given: func(s *fakeScheduler) { s.Plugin.groups = failingGroups{} },
			want:  fwk.Error, wantReason: errCache.Error(),
		},
		"group of one": {given: func(s *fakeScheduler) { s.addGroup("gang", minMember(1)) }},
		"first of three": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(3))
				s.addMembers("gang", 3)
				s.addMembers("other", 2)
			},
			want: fwk.Wait, wantTimeout: 30 * time.Second, wantActivated: []string{"default/gang-1", "default/gang-2"},
			wantOutcomes: map[string]string{"gang-0": ""},
		},
		"second of three": {
			given: func(s *fakeScheduler) { s.addGroup("gang", minMember(3)); s.permit(s.addMembers("gang", 3)[1]) },
			want:  fwk.Wait, wantTimeout: 30 * time.Second, wantOutcomes: map[string]string{"gang-0": "", "gang-1": ""},
		},
		"last of three": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(3))
				s.addGroup("other", minMember(2))
				members := s.addMembers("gang", 3)
				s.permit(members[1])
				s.permit(members[2])
				s.permit(s.addMembers("other", 2)[0])
			},
			wantOutcomes: map[string]string{"gang-1": "allowed", "gang-2": "allowed", "other-0": ""},
		},
		"same pod again": {
			given: func(s *fakeScheduler) { s.addGroup("gang", minMember(2)); s.permit(s.addMembers("gang", 2)[0]) },
			want:  fwk.Wait, wantTimeout: 30 * time.Second, wantActivated: []string{"default/gang-1"},
			wantOutcomes: map[string]string{"gang-0": ""},
		},
		"the group's timeout": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", func(group *v1alpha1.PodGroup) {
					group.Spec.MinMember, group.Spec.ScheduleTimeoutSeconds = 2, ptr.To(int32(5))
				})
			},
			want: fwk.Wait, wantTimeout: 5 * time.Second, wantOutcomes: map[string]string{"gang-0": ""},
		},
		"others run already": {given: func(s *fakeScheduler) {
			s.addGroup("gang", minMember(3))
			key := groupKey{Namespace: space, Name: "gang"}
			s.ledger.assignMember(key, "gang-1")
			s.ledger.assignMember(key, "gang-2")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{PermitWaitingTimeSeconds: 30})
			tc.given(s)
			pod := tc.pod
			if pod == nil {
				pod = memberPod("gang-0", "gang")
			}
			status, timeout, activated := s.permit(pod)
			if status.Code() != tc.want || status.Message() != tc.wantReason {
				t.Errorf("got %s (%s), want %s (%s)", status.Code(), status.Message(), tc.want, tc.wantReason)
			}
			if timeout != tc.wantTimeout {
				t.Errorf("got a timeout of %s, want %s", timeout, tc.wantTimeout)
			}
			if diff := cmp.Diff(tc.wantActivated, slices.Sorted(maps.Keys(activated))); diff != "" {
				t.Errorf("activated (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantOutcomes, s.outcomes(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("pods at Permit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPermitTimeout(t *testing.T) {
	for name, tc := range map[string]struct {
		group     *int32
		arguments int64
		want      time.Duration
	}{
		"of the group":               {ptr.To(int32(5)), 30, 5 * time.Second},
		"of the arguments":           {nil, 30, 30 * time.Second},
		"zero in the group":          {ptr.To(int32(0)), 30, 30 * time.Second},
		"of neither, so the default": {nil, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{PermitWaitingTimeSeconds: tc.arguments})
			group := s.addGroup("gang", func(group *v1alpha1.PodGroup) { group.Spec.ScheduleTimeoutSeconds = tc.group })
			if got := s.permitTimeoutOf(group); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// One member that loses its node takes the ones that wait with it, and none else.
func TestUnreserve(t *testing.T) {
	for name, tc := range map[string]struct {
		pod          *v1.Pod
		wantOutcomes map[string]string
		wantAssigned int
		wantFailed   bool
	}{
		"a member":         {memberPod("gang-0", "gang"), map[string]string{"gang-0": "rejected", "gang-1": "rejected", "other-0": ""}, 1, true},
		"of another group": {memberPod("other-0", "other"), map[string]string{"gang-0": "", "gang-1": "", "other-0": "rejected"}, 2, false},
		"in no group":      {memberPod("pod", ""), map[string]string{"gang-0": "", "gang-1": "", "other-0": ""}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			s.addGroup("gang", minMember(3))
			s.addGroup("other", minMember(3))
			members := s.addMembers("gang", 3)
			s.permit(members[0])
			s.permit(members[1])
			s.permit(s.addMembers("other", 3)[0])
			s.Unreserve(context.Background(), framework.NewCycleState(), tc.pod, "node")
			if diff := cmp.Diff(tc.wantOutcomes, s.outcomes()); diff != "" {
				t.Errorf("pods at Permit (-want +got):\n%s", diff)
			}
			key := groupKey{Namespace: space, Name: "gang"}
			if got := s.ledger.assignedMembers(key); got != tc.wantAssigned {
				t.Errorf("got %d assigned, want %d", got, tc.wantAssigned)
			}
			if got := !s.ledger.lastFailure(key).IsZero(); got != tc.wantFailed {
				t.Errorf("failed: got %v, want %v", got, tc.wantFailed)
			}
		})
	}
}
