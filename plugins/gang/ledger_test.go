package gang

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestGroupLedger(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(noon)
	ledger := newGroupLedger(clock)
	gang, other := groupKey{Namespace: space, Name: "gang"}, groupKey{Namespace: space, Name: "other"}
	want := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	want("first member", ledger.assignMember(gang, "a"), 1)
	want("second member", ledger.assignMember(gang, "b"), 2)
	want("second member again", ledger.assignMember(gang, "b"), 2)
	want("of another group", ledger.assignMember(other, "b"), 1)
	ledger.releaseMember(gang, "b")
	ledger.releaseMember(gang, "b")
	ledger.releaseMember(groupKey{Name: "unknown"}, "b")
	want("after release", ledger.assignedMembers(gang), 1)
	want("of another group after release", ledger.assignedMembers(other), 1)

	ledger.restGroup(gang, time.Minute)
	clock.SetTime(noon.Add(30 * time.Second))
	ledger.restGroup(gang, time.Minute) // rests already
	want("rests", ledger.groupRests(gang), true)
	clock.SetTime(noon.Add(time.Minute))
	want("has rested", ledger.groupRests(gang), false)

	ledger.admitGroup(gang, time.Minute)
	want("admitted", ledger.groupAdmitted(gang), true)
	want("another group admitted", ledger.groupAdmitted(other), false)
	ledger.noteFailure(gang, "")
	want("admitted after a failure", ledger.groupAdmitted(gang), false)
	want("failed", ledger.lastFailure(gang), noon.Add(time.Minute))
	ledger.clearFailure(gang)
	want("started since", ledger.lastFailure(gang).IsZero(), true)

	ledger.noteFailure(gang, "")
	ledger.forgetGroup(gang)
	want("failed before it was made anew", ledger.lastFailure(gang).IsZero(), true)
	want("members that run on", ledger.assignedMembers(gang), 1)
	ledger.releaseMember(gang, "a")
	ledger.releaseMember(other, "b")
	want("groups of which nothing is left to say", len(ledger.groups), 0)
}

// While members give their nodes back, an attempt finds fewer places than there are: what
// is said stays that of the attempt before.
func TestSettleShortfall(t *testing.T) {
	now := clocktesting.NewFakePassiveClock(time.Unix(1_000_000, 0))
	ledger, group := newGroupLedger(now), groupKey{Namespace: space, Name: "gang"}
	for _, step := range []struct {
		after  time.Duration
		placed int
		want   int
	}{{0, 2, 2}, {time.Second, 3, 3}, {time.Second, 1, 3}, {8 * time.Second, 2, 3}, {settlingTime, 2, 2}} {
		now.SetTime(now.Now().Add(step.after))
		if got, text := ledger.settleShortfall(group, step.placed, fmt.Sprint(step.placed)); got != step.want || text != fmt.Sprint(step.want) {
			t.Errorf("%d placed after %s: got %d and %q, want %d", step.placed, step.after, got, text, step.want)
		}
	}
	ledger.clearFailure(group)
	if got, _ := ledger.settleShortfall(group, 1, "1"); got != 1 {
		t.Errorf("after it started: got %d, want 1", got)
	}
}
