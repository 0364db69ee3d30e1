package gang

import (
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
