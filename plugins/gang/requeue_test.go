package gang

import (
	"context"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

func groupObject(name string, minMember int64, phase string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": space, "name": name},
		"spec":     map[string]any{"minMember": minMember},
		"status":   map[string]any{"phase": phase},
	}}
}

func annotated(group *unstructured.Unstructured, key, value string) *unstructured.Unstructured {
	group.SetAnnotations(map[string]string{key: value})
	return group
}

// A pod that is tried because of a change of its group sees the change, whether or not the informer
// that the plugin reads knows of it.
func TestChangeOfGroupIsSeen(t *testing.T) {
	older, newer := groupObject("gang", 3, ""), groupObject("gang", 2, "")
	older.SetResourceVersion("7")
	newer.SetResourceVersion("8")
	for name, tc := range map[string]struct {
		known         string // the version that the informer has, none if empty
		before, after any
		deleted       bool
		wait          time.Duration
		want          int32 // minMember, 0 if there is no group
	}{
		"the informer has not heard of the group":      {after: older, want: 3},
		"the informer has the earlier version":         {known: "7", before: older, after: newer, want: 2},
		"the informer has the same version":            {known: "8", before: older, after: newer, want: 2},
		"the informer has a later version":             {known: "10", before: older, after: newer, want: 5},
		"the group is deleted meanwhile":               {after: older, deleted: true, want: 0},
		"the informer does not hear of it for minutes": {after: older, wait: time.Minute, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			member := memberPod("gang-0", "gang")
			if tc.known != "" {
				s.addGroup("gang", func(group *v1alpha1.PodGroup) {
					group.ResourceVersion, group.Spec.MinMember = tc.known, map[string]int32{"7": 3, "8": 2, "10": 5}[tc.known]
				})
			}
			if hint, err := s.hintGroupChange(klog.Background(), member, tc.before, tc.after); err != nil || hint != fwk.Queue {
				t.Fatalf("hint %v, error %v", hint, err)
			}
			key := groupKey{Namespace: space, Name: "gang"}
			if tc.deleted {
				s.heard.forgetGroup(key)
			}
			s.clock.SetTime(noon.Add(tc.wait))
			group, err := s.findGroup(key)
			if err != nil {
				t.Fatal(err)
			}
			var got int32
			if group != nil {
				got = group.Spec.MinMember
			}
			if got != tc.want {
				t.Errorf("minMember %d, want %d", got, tc.want)
			}
		})
	}
}

func TestHintGroupChange(t *testing.T) {
	member := memberPod("gang-0", "gang")
	for name, tc := range map[string]struct {
		pod           *v1.Pod
		before, after any
		want          fwk.QueueingHint
		wantError     bool
	}{
		"own group made":           {pod: member, after: groupObject("gang", 3, ""), want: fwk.Queue},
		"another group made":       {pod: member, after: groupObject("other", 3, ""), want: fwk.QueueSkip},
		"own group's spec changed": {pod: member, before: groupObject("gang", 3, ""), after: groupObject("gang", 2, ""), want: fwk.Queue},
		"own group's status": {
			pod: member, before: groupObject("gang", 3, "Pending"), after: groupObject("gang", 3, "Running"),
			want: fwk.QueueSkip,
		},
		"what members of the own group must share": {
			pod: member, before: annotated(groupObject("gang", 3, ""), groupcycle.RequiredTopologyAnnotation, "rack"),
			after: groupObject("gang", 3, ""), want: fwk.Queue,
		},
		"another annotation": {
			pod: member, before: annotated(groupObject("gang", 3, ""), "example.com/note", "rack"),
			after: groupObject("gang", 3, ""), want: fwk.QueueSkip,
		},
		"another group's spec":      {pod: member, before: groupObject("other", 3, ""), after: groupObject("other", 2, ""), want: fwk.QueueSkip},
		"a pod in no group":         {pod: memberPod("alone", ""), after: groupObject("gang", 3, ""), want: fwk.QueueSkip},
		"an object of another kind": {pod: member, after: member, want: fwk.Queue, wantError: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			got, err := s.hintGroupChange(klog.Background(), tc.pod, tc.before, tc.after)
			if got != tc.want || (err != nil) != tc.wantError {
				t.Errorf("got %v, %v; want %v, error %v", got, err, tc.want, tc.wantError)
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

// The scheduler finds a resource that is not built in by a name of three parts.
func TestEventsToRegister(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	events, err := s.EventsToRegister(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	found := map[fwk.EventResource]fwk.ActionType{}
	for _, event := range events {
		found[event.Event.Resource] = event.Event.ActionType
	}
	if found[fwk.Pod] != fwk.Add || found["podgroups.v1alpha1.scheduling.x-k8s.io"] != fwk.Add|fwk.Update {
		t.Errorf("got %v", found)
	}
}
