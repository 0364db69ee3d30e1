package gang

import (
	"maps"
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// The members of a group are tried again that was made or asks for something else, whoever
// refused them, once this process has tried a pod.
func TestChangedGroupIsTriedAgain(t *testing.T) {
	group := func(change func(*v1alpha1.PodGroup)) *v1alpha1.PodGroup {
		group := &v1alpha1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "gang"}}
		group.Spec.MinMember = 3
		if change != nil {
			change(group)
		}
		return group
	}
	for name, tc := range map[string]struct {
		before, after any
		standsBy      bool
		want          []string
	}{
		"made": {after: group(nil), want: []string{"default/gang-0", "default/gang-1"}},
		"its minimum": {
			before: group(nil), after: group(func(g *v1alpha1.PodGroup) { g.Spec.MinMember = 2 }),
			want: []string{"default/gang-0", "default/gang-1"},
		},
		"its annotations": {
			before: group(func(g *v1alpha1.PodGroup) {
				g.Annotations = map[string]string{groupcycle.RequiredTopologyAnnotation: "rack"}
			}),
			after: group(nil), want: []string{"default/gang-0", "default/gang-1"},
		},
		"its status":              {before: group(nil), after: group(func(g *v1alpha1.PodGroup) { g.Status.Phase = v1alpha1.PodGroupRunning })},
		"another group":           {after: group(func(g *v1alpha1.PodGroup) { g.Name = "other" })},
		"while it only stands by": {after: group(nil), standsBy: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			s.schedules.Store(!tc.standsBy)
			bound := memberPod("gang-2", "gang")
			bound.Spec.NodeName = "node-1"
			for _, pod := range []*v1.Pod{memberPod("gang-0", "gang"), memberPod("gang-1", "gang"), bound, memberPod("alone", "")} {
				if err := s.pods.GetIndexer().Add(pod); err != nil {
					t.Fatal(err)
				}
			}
			s.retryMembers(tc.before, tc.after)
			if got := slices.Sorted(maps.Keys(s.handle.activated)); !slices.Equal(got, tc.want) {
				t.Errorf("tried again: %v, want %v", got, tc.want)
			}
		})
	}
}

func allocatedClaim(allocated bool) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{}
	if allocated {
		claim.Status.Allocation = &resourceapi.AllocationResult{}
	}
	return claim
}

// Every member of a rejected group gave its node back for another's sake, so each has to
// hear of the room that the other lacked.
func TestHintsOfRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		hint          func(*fakeScheduler) fwk.QueueingHintFn
		member        string // the member's group
		before, after any
		started       bool // the group was not rejected, or has started since
		want          fwk.QueueingHint
	}{
		"a node came":                  {hint: roomHint, member: "gang", want: fwk.Queue},
		"a node came, not rejected":    {hint: roomHint, member: "gang", started: true, want: fwk.QueueSkip},
		"a node came, pod in no group": {hint: roomHint, want: fwk.QueueSkip},
		"a pod went":                   {hint: podGoneHint, member: "gang", before: memberPod("alone", ""), want: fwk.Queue},
		"another group's pod went":     {hint: podGoneHint, member: "gang", before: memberPod("other-0", "other"), want: fwk.Queue},
		"a sibling went":               {hint: podGoneHint, member: "gang", before: memberPod("gang-1", "gang"), want: fwk.QueueSkip},
		"a claim gave its devices back": {
			hint: claimHint, member: "gang", before: allocatedClaim(true), after: allocatedClaim(false), want: fwk.Queue,
		},
		"a claim that held devices went": {hint: claimHint, member: "gang", before: allocatedClaim(true), want: fwk.Queue},
		"a claim that held nothing went": {hint: claimHint, member: "gang", before: allocatedClaim(false), want: fwk.QueueSkip},
		"a claim got devices": {
			hint: claimHint, member: "gang", before: allocatedClaim(false), after: allocatedClaim(true), want: fwk.QueueSkip,
		},
		"a claim with devices is changed": {
			hint: claimHint, member: "gang", before: allocatedClaim(true), after: allocatedClaim(true), want: fwk.QueueSkip,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			if !tc.started {
				s.ledger.noteFailure(groupKey{Namespace: space, Name: "gang"}, "")
			}
			got, err := tc.hint(s)(klog.Background(), memberPod("member", tc.member), tc.before, tc.after)
			if err != nil || got != tc.want {
				t.Errorf("got %v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

func roomHint(s *fakeScheduler) fwk.QueueingHintFn    { return s.hintRoom }
func podGoneHint(s *fakeScheduler) fwk.QueueingHintFn { return s.hintPodGone }
func claimHint(s *fakeScheduler) fwk.QueueingHintFn   { return s.hintClaimReleased }
