package deviceplacement

import (
	"cmp"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A group that needs much may wait for ever while smaller pods take whatever becomes free.
// So the group whose turn it is, by priority and then by how long it waits, gets places that
// are kept for it as they become free, for a time. Others of its priority and below go
// elsewhere; what it does not need is theirs. When the time is over another group's turn
// comes first.

// groupReservation is the places that are kept for a group.
type groupReservation struct {
	places   []*plannedMember
	priority int32
	ends     time.Time
}

const (
	// reserveAfter is how long a group must have waited.
	reserveAfter = 10 * time.Second
	// reserveTime is how long places are kept.
	reserveTime = 5 * time.Minute
	// waitingTime is how long a group that is not looked at still has its turn before others.
	waitingTime = 6 * time.Minute
)

// takesTurn reports whether it is the turn of a group of some priority to have places kept.
// A reservation that has ended puts its group behind others.
func (g *groupPlans) takesTurn(s *groupSolve, priority int32) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	now, own := g.now(), g.recordOf(s.group.Key)
	own.priority = priority
	if r := own.reservation; r != nil {
		if now.Before(r.ends) {
			return false // it has its places already
		}
		own.reservation, own.since = nil, now
		g.version++
	}
	if own.since.IsZero() || now.Sub(own.since) < reserveAfter {
		return false
	}
	for key, other := range g.groups {
		if key == s.group.Key {
			continue
		}
		if r := other.reservation; r != nil && now.Before(r.ends) {
			if r.priority >= priority {
				return false
			}
			other.reservation = nil // a higher priority comes first
			g.version++
		}
		before := cmp.Or(cmp.Compare(other.priority, priority), own.since.Compare(other.since)) > 0
		if before && !other.since.IsZero() && now.Sub(other.since) >= reserveAfter && now.Sub(other.used) < waitingTime {
			return false
		}
	}
	return true
}

// reservePlaces keeps places for the group if it is its turn: those where it would be if the
// pods on as few nodes as possible were gone, the nodes that have the most free first.
func (s *groupSolve) reservePlaces(pod *v1.Pod, levels []cluster.GroupLevel) {
	plans := s.plugin.plans
	if !plans.takesTurn(s, podPriority(pod)) {
		return
	}
	snapshot := s.cycle.Snapshot()
	nodes := nodeNumbers(snapshot.Len())
	slices.SortStableFunc(nodes, func(a, b int) int { return freeShare(snapshot.Snapshot, b) - freeShare(snapshot.Snapshot, a) })
	anybody := func(*v1.Pod) bool { return true }
	var verdict cluster.GroupVerdict
	for count := 1; ; count *= 2 {
		count = min(count, len(nodes))
		verdict = s.solveWithout(pod, levels, anybody, nodes[:count])
		if verdict.Outcome == placement.Fits || count == len(nodes) {
			break
		}
	}
	if verdict.Outcome != placement.Fits {
		return // it would not fit in an empty cluster either
	}
	reservation := &groupReservation{priority: podPriority(pod), ends: plans.now().Add(reserveTime)}
	for _, place := range s.planOf(&verdict).members {
		reservation.places = append(reservation.places, place)
	}
	plans.readRecord(s.group.Key, func(r *groupRecord) {
		r.reservation = reservation
		plans.version++
	})
	time.AfterFunc(reserveTime, func() { plans.endReservation(s.group.Key, reservation) })
	klog.Background().Info("Keeping places for a group that waits", "podGroup", s.group.Key,
		"pods", len(reservation.places), "until", reservation.ends)
}

// freeShare is how many thousandths of a node's GPUs are free.
func freeShare(s *cluster.Snapshot, node int) int {
	gpus := s.NodeState(node).GPUs()
	if len(gpus) == 0 {
		return 0
	}
	return 1000 * gpus.FreeGPUs().Len() / len(gpus)
}
