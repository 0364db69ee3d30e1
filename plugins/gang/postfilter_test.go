package gang

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/config"
)

func TestPostFilter(t *testing.T) {
	places := func(count int) string {
		return fmt.Sprintf("%d of the 10 pods that PodGroup gang starts together have a place", count)
	}
	// A group of ten; so many wait at Permit when the next fits nowhere.
	for name, tc := range map[string]struct {
		waiting    int
		members    int // in all; 10 if 0
		later      int // members that come after PreFilter has counted
		args       config.CoschedulingArgs
		pod        *v1.Pod // the next member if nil
		broken     bool
		wantCode   fwk.Code // Unschedulable if 0
		wantReason string
		wantReject bool
		wantRest   bool
	}{
		"in no group":        {waiting: 3, pod: memberPod("pod", "")},
		"group not there":    {waiting: 3, pod: memberPod("pod", "missing"), wantReason: "PodGroup default/missing not found"},
		"unreadable":         {waiting: 3, broken: true, wantCode: fwk.Error, wantReason: errCache.Error()},
		"some wait":          {waiting: 3, wantReason: places(3), wantReject: true},
		"nobody waits":       {waiting: 0, wantReason: places(0), wantReject: true},
		"enough have a node": {waiting: 10, members: 11},
		"one is missing, within the tolerated gap": {waiting: 9, args: config.CoschedulingArgs{PodGroupRejectPercentage: 10}},
		"two are missing, beyond the tolerated gap": {
			waiting: 8, args: config.CoschedulingArgs{PodGroupRejectPercentage: 10},
			wantReject: true, wantReason: places(8),
		},
		"with backoff": {
			waiting: 3, args: config.CoschedulingArgs{PodGroupBackoffSeconds: 20},
			wantReject: true, wantRest: true, wantReason: places(3),
		},
		"with backoff, but members are still to come": {
			waiting: 3, members: 9, args: config.CoschedulingArgs{PodGroupBackoffSeconds: 20},
			wantReject: true, wantReason: places(3),
		},
		"refused before the others are there":       {members: 4}, // PreFilter says why: no node was asked
		"refused a moment before the last is there": {members: 9, later: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, tc.args)
			s.addGroup("gang", minMember(10))
			if tc.members == 0 {
				tc.members = 10
			}
			members := s.addMembers("gang", tc.members)
			for _, member := range members[:tc.waiting] {
				s.permit(member)
			}
			pod := tc.pod
			if pod == nil {
				pod = members[tc.waiting]
			}
			cycle := framework.NewCycleState()
			if tc.members < 10 && tc.waiting == 0 {
				if _, status := s.PreFilter(context.Background(), cycle, pod, nil); status.IsSuccess() {
					t.Fatalf("PreFilter let a member of %d pass", tc.members)
				}
			}
			s.addMembers("gang", tc.members+tc.later)
			if tc.broken {
				s.Plugin.groups = failingGroups{}
			}
			result, status := s.PostFilter(context.Background(), cycle, pod, busyNodes(s, 2))
			wantCode := tc.wantCode
			if wantCode == fwk.Success {
				wantCode = fwk.Unschedulable
			}
			if result != nil || status.Code() != wantCode || status.Message() != tc.wantReason {
				t.Errorf("got %v, %s (%s); want %s (%s)", result, status.Code(), status.Message(), wantCode, tc.wantReason)
			}
			wantEvents, wantBecause := []string(nil), ""
			if tc.wantReject {
				shortfall := tc.wantReason + "; the next: 0/2 nodes are available: 2 node(s) have no GPU free"
				wantEvents, wantBecause = []string{"Warning Unschedulable " + shortfall}, "node(s) given back: "+shortfall
			}
			if diff := cmp.Diff(wantEvents, s.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			for _, waiting := range s.handle.waiting {
				if waiting.because != wantBecause {
					t.Errorf("%s is told %q, want %q", waiting.pod.Name, waiting.because, wantBecause)
				}
			}
			for name, outcome := range s.outcomes() {
				if rejected := outcome == "rejected"; rejected != tc.wantReject {
					t.Errorf("%s rejected: got %v, want %v", name, rejected, tc.wantReject)
				}
			}
			key := groupKey{Namespace: space, Name: "gang"}
			if got := s.ledger.lastFailure(key).Equal(noon); got != tc.wantReject {
				t.Errorf("failure noted: got %v, want %v", got, tc.wantReject)
			}
			if got := s.ledger.groupRests(key); got != tc.wantRest {
				t.Errorf("rests: got %v, want %v", got, tc.wantRest)
			}
			s.clock.SetTime(noon.Add(20 * time.Second))
			if s.ledger.groupRests(key) {
				t.Error("still rests after the backoff")
			}
		})
	}
}

// busyNodes makes the scheduler's nodes refuse a pod.
func busyNodes(s *fakeScheduler, count int) *framework.NodeToStatus {
	statuses := framework.NewDefaultNodeToStatus()
	s.handle.nodes = nil
	for i := range count {
		info := framework.NewNodeInfo()
		info.SetNode(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)}})
		s.handle.nodes = append(s.handle.nodes, info)
		statuses.Set(info.Node().Name, fwk.NewStatus(fwk.Unschedulable, "node(s) have no GPU free"))
	}
	return statuses
}

// A group that lacks one pod, or whose pods ask alike, is told of the others; long lists
// of reasons are cut between two.
func TestShortfall(t *testing.T) {
	owned := func(pod *v1.Pod) {
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: "job", UID: "job", Controller: ptr.To(true)}}
	}
	for name, tc := range map[string]struct {
		assigned int
		change   func(*v1.Pod)
		reasons  []string
		want     string
	}{
		"one is missing": {
			assigned: 3, reasons: []string{"node(s) have fewer than 8 GPUs free"},
			want: "3 of the 4 pods that PodGroup gang starts together have a place; the others: 0/2 nodes are available: " +
				"2 node(s) have fewer than 8 GPUs free",
		},
		"several that one controller made": {
			assigned: 1, change: owned, reasons: []string{"node(s) have no GPU"},
			want: "1 of the 4 pods that PodGroup gang starts together have a place; the others: 0/2 nodes are available: 2 node(s) have no GPU",
		},
		"several that may ask differently": {
			assigned: 1, reasons: []string{"node(s) have no GPU"},
			want: "1 of the 4 pods that PodGroup gang starts together have a place; the next: 0/2 nodes are available: 2 node(s) have no GPU",
		},
		"many reasons": {
			assigned: 3, reasons: []string{strings.Repeat("a", 100), strings.Repeat("b", 100), strings.Repeat("c", 100)},
			want: "3 of the 4 pods that PodGroup gang starts together have a place; the others: 0/2 nodes are available: " +
				"2 " + strings.Repeat("a", 100) + ", 2 " + strings.Repeat("b", 100) + ", ...",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			group := s.addGroup("gang", minMember(4))
			members := s.addMembers("gang", 4)
			for _, member := range members {
				if tc.change != nil {
					tc.change(member)
				}
			}
			statuses := busyNodes(s, 2)
			for _, node := range s.handle.nodes {
				statuses.Set(node.Node().Name, fwk.NewStatus(fwk.Unschedulable, tc.reasons...))
			}
			if got := s.shortfallOf(group, members, members[3], tc.assigned, statuses); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
