package gang

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

// groupLedger remembers of each group what outlives a scheduling cycle. It is safe for
// concurrent use.
type groupLedger struct {
	clock clock.PassiveClock

	mutex  sync.RWMutex
	groups map[groupKey]*groupState
}

// groupState is what the ledger holds of one group.
type groupState struct {
	assigned sets.Set[types.UID] // members with a node: assumed, waiting or bound

	admittedUntil time.Time // minResources were there; not asked again before
	restsUntil    time.Time // was rejected; no member starts before
	failedAt      time.Time // last rejection since members last started; zero if none
	shortfall     string    // what the group lacked then, "" if nothing is known
	placed        int       // members that had a node by the shortfall
	placedAt      time.Time // when that was
}

func newGroupLedger(clock clock.PassiveClock) *groupLedger {
	return &groupLedger{clock: clock, groups: map[groupKey]*groupState{}}
}

// assignMember notes that the member has a node and returns how many have one now.
func (l *groupLedger) assignMember(group groupKey, member types.UID) int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	state := l.entryOf(group)
	state.assigned.Insert(member)
	return state.assigned.Len()
}

// releaseMember notes that the member has no node, or is gone.
func (l *groupLedger) releaseMember(group groupKey, member types.UID) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if state := l.groups[group]; state != nil {
		state.assigned.Delete(member)
		l.dropIfEmpty(group, state)
	}
}

// assignedMembers is how many members have a node.
func (l *groupLedger) assignedMembers(group groupKey) int {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	if state := l.groups[group]; state != nil {
		return state.assigned.Len()
	}
	return 0
}

// assignedTo are the members that have a node.
func (l *groupLedger) assignedTo(group groupKey) sets.Set[types.UID] {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	if state := l.groups[group]; state != nil {
		return state.assigned.Clone()
	}
	return nil
}

// admitGroup notes that the cluster has what the group needs, for that long, unless an
// earlier note still holds.
func (l *groupLedger) admitGroup(group groupKey, period time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now, state := l.clock.Now(), l.entryOf(group)
	if !now.Before(state.admittedUntil) {
		state.admittedUntil = now.Add(period)
	}
}

// groupAdmitted is whether a note of admitGroup holds.
func (l *groupLedger) groupAdmitted(group groupKey) bool {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	state := l.groups[group]
	return state != nil && l.clock.Now().Before(state.admittedUntil)
}

// restGroup keeps members from starting for that long, unless the group rests already.
func (l *groupLedger) restGroup(group groupKey, period time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now, state := l.clock.Now(), l.entryOf(group)
	if !now.Before(state.restsUntil) {
		state.restsUntil = now.Add(period)
	}
}

// groupRests is whether members are kept from starting.
func (l *groupLedger) groupRests(group groupKey) bool {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	state := l.groups[group]
	return state != nil && l.clock.Now().Before(state.restsUntil)
}

// noteFailure notes that the group was rejected now, and what it lacked: it goes behind
// others in the queue and its minResources are asked for anew.
func (l *groupLedger) noteFailure(group groupKey, shortfall string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	state := l.entryOf(group)
	state.failedAt, state.shortfall, state.admittedUntil = l.clock.Now(), shortfall, time.Time{}
}

// clearFailure notes that the group has all members that it needs.
func (l *groupLedger) clearFailure(group groupKey) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if state := l.groups[group]; state != nil {
		state.failedAt, state.shortfall, state.placed, state.placedAt = time.Time{}, "", 0, time.Time{}
		l.dropIfEmpty(group, state)
	}
}

// lastFailure is when the group was last rejected; zero if it was not, or has started
// since.
func (l *groupLedger) lastFailure(group groupKey) time.Time {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	if state := l.groups[group]; state != nil {
		return state.failedAt
	}
	return time.Time{}
}

// settlingTime is how long a rejected group's members may go on giving nodes back. An
// attempt of one of them in that time finds nodes taken that are about to be free.
const settlingTime = 10 * time.Second

// settleShortfall notes that so many members had a node when another fitted on none, with
// what the group lacked then, and returns what is to be said: that of an attempt a moment
// ago at which more members had one, or this one's.
func (l *groupLedger) settleShortfall(group groupKey, placed int, shortfall string) (int, string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now, state := l.clock.Now(), l.entryOf(group)
	if state.shortfall == "" || state.placed <= placed || now.Sub(state.placedAt) > settlingTime {
		state.placed, state.placedAt, state.shortfall = placed, now, shortfall
	}
	return state.placed, state.shortfall
}

// shortfallOf is what the group lacked when it was last rejected, "" if it was not, has
// started since, or nothing is known.
func (l *groupLedger) shortfallOf(group groupKey) string {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	if state := l.groups[group]; state != nil {
		return state.shortfall
	}
	return ""
}

// forgetGroup drops all but the members that have a node: those are counted again if a
// group of that name is made anew.
func (l *groupLedger) forgetGroup(group groupKey) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if state := l.groups[group]; state != nil {
		*state = groupState{assigned: state.assigned}
		l.dropIfEmpty(group, state)
	}
}

// entryOf returns the group's state, a new one if there is none. The mutex is held.
func (l *groupLedger) entryOf(group groupKey) *groupState {
	state := l.groups[group]
	if state == nil {
		state = &groupState{assigned: sets.New[types.UID]()}
		l.groups[group] = state
	}
	return state
}

// dropIfEmpty forgets a group of which nothing is left to say. The mutex is held.
func (l *groupLedger) dropIfEmpty(group groupKey, state *groupState) {
	now := l.clock.Now()
	if state.assigned.Len() == 0 && state.failedAt.IsZero() && !now.Before(state.admittedUntil) && !now.Before(state.restsUntil) {
		delete(l.groups, group)
	}
}
