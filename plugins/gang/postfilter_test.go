package gang

import (
	"context"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
)

func TestPostFilter(t *testing.T) {
	waitsFor := func(pod string) string { return "PodGroup default/gang waits: its pod " + pod + " fits on no node" }
	// A group of ten; so many wait at Permit when the next fits nowhere.
	for name, tc := range map[string]struct {
		waiting    int
		members    int // in all; 10 if 0
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
		"some wait":          {waiting: 3, wantReason: waitsFor("gang-3"), wantReject: true},
		"nobody waits":       {waiting: 0, wantReason: waitsFor("gang-0"), wantReject: true},
		"enough have a node": {waiting: 10, members: 11},
		"one is missing, within the tolerated gap": {waiting: 9, args: config.CoschedulingArgs{PodGroupRejectPercentage: 10}},
		"two are missing, beyond the tolerated gap": {
			waiting: 8, args: config.CoschedulingArgs{PodGroupRejectPercentage: 10},
			wantReject: true, wantReason: waitsFor("gang-8"),
		},
		"with backoff": {
			waiting: 3, args: config.CoschedulingArgs{PodGroupBackoffSeconds: 20},
			wantReject: true, wantRest: true, wantReason: waitsFor("gang-3"),
		},
		"with backoff, but members are still to come": {
			waiting: 3, members: 9, args: config.CoschedulingArgs{PodGroupBackoffSeconds: 20},
			wantReject: true, wantReason: waitsFor("gang-3"),
		},
		"refused before the others are there": {members: 4}, // PreFilter says why: no node was asked
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
			if tc.broken {
				s.Plugin.groups = failingGroups{}
			}
			result, status := s.PostFilter(context.Background(), framework.NewCycleState(), pod, nil)
			wantCode := tc.wantCode
			if wantCode == fwk.Success {
				wantCode = fwk.Unschedulable
			}
			if result != nil || status.Code() != wantCode || status.Message() != tc.wantReason {
				t.Errorf("got %v, %s (%s); want %s (%s)", result, status.Code(), status.Message(), wantCode, tc.wantReason)
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
