package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Defragmentation says who may be moved, and how far to look for moves.
//
// A holder is moved by ending it and placing it again, as the scheduler does with the
// replacement of an evicted pod: where it goes is not chosen here. A replacement may come
// before the holder has gone or after it, so that only moves are planned that end in the
// same place either way. A holder that fits nowhere else while it is there waits for its own
// devices; such a move is planned only if it still fits when the request to make room for is
// placed before it. Where a holder would come back to, its node may be closed until it is placed
// again, so that it goes to the best other one.
type Defragmentation struct {
	// Holders are those that may be moved, each at most once. Holders that are pinned, that have
	// something on several nodes or whose budget allows none stay.
	Holders []MovableHolder
	// Budgets[b] is how many of the holders with budget b may be without a place, or not ready
	// again, at once.
	Budgets []int
	// MayClose says that a node may be closed to new pods while one of its holders is moved.
	MayClose bool
	// MaxMoves bounds the moves of a plan, 0 for DefaultMoves, and MaxSteps how many moves are
	// tried, 0 for DefaultSteps.
	MaxMoves, MaxSteps int
}

// Bounds of a search that states none.
const (
	DefaultMoves = 8
	DefaultSteps = 20_000
)

// MovableHolder is a holder that may be moved.
type MovableHolder struct {
	Holder placement.HolderID
	// Ranking is what it asks for when it is placed again. Holders that ask alike should share
	// one.
	Ranking *NodeRanking
	// Host is what it takes besides devices.
	Host topology.HostResources
	// Forecast is what its choice takes from pods to come; may be nil.
	Forecast ForecastCost
	// Cost is what is lost by moving it, in any unit; not negative.
	Cost int64
	// Budgets are those that moving it draws on, indexes into Defragmentation.Budgets.
	Budgets []int
}

// DefragMove takes a holder from one place to another.
type DefragMove struct {
	Holder   placement.HolderID
	Priority int64
	From, To int
	// Leaves are the devices on From, Takes those on To.
	Leaves, Takes []placement.DeviceAllocation
	Cost          int64
	// Closes says that From is closed until the holder is placed again.
	Closes bool
	// Awaits is how many of the plan's moves, from the first on, have to be over and their
	// holders ready again before this one, by the budgets; 0 for none.
	Awaits int
}

// DefragPlan is moves in order. Each fits when its turn comes, beside all that is there then.
type DefragPlan struct {
	Moves []DefragMove
	// Cost is the sum of the moves' costs.
	Cost int64
	// Placed are where the copies of the request go once all moves are made; of PlanRoom.
	Placed []Decision
	// Before and After are how many of each expected request fit; of PlanCompaction.
	Before, After []int64
	// Complete says that every sequence of moves was looked at, up to MaxMoves: there is no
	// better plan, and if there are no moves, none helps.
	Complete bool
}

// PlanRoom plans the moves of least cost, and of these the fewest, after which so many copies
// of a pod fit. found is false if no such plan was found, which is certain if the plan is
// Complete. Without moves they fit as things are. The snapshot stays as it was.
//
// Where the search is not complete, it has looked at every single move, and at the sets of
// moves that empty a part of one node, those that make room for them in turn included.
func (s *Snapshot) PlanRoom(d *Defragmentation, pod GroupMember, copies int) (plan *DefragPlan, found bool) {
	search := newDefragSearch(s, d)
	search.rival, search.copies = &pod, copies
	s.Fork()
	defer s.Revert()
	if placed := search.placeCopies(copies); placed != nil {
		return &DefragPlan{Placed: placed, Complete: true}, true
	}
	goal := &roomGoal{search: search}
	for _, action := range search.possibleActions() {
		search.tryMoves([]moveAction{action}, goal.noteState)
	}
	if copies == 1 {
		search.emptyNodes(goal)
	} else {
		search.emptyForCopies(goal)
	}
	complete := search.exploreStates(goal.noteState, goal.isWorse)
	plan = search.planOf(goal.best, complete)
	plan.Placed = goal.placed
	return plan, goal.best != nil
}

// roomGoal keeps the cheapest moves after which all copies fit.
type roomGoal struct {
	search *defragSearch
	best   []DefragMove
	cost   int64
	placed []Decision
}

// isWorse reports whether moves cannot become the best with anything added.
func (g *roomGoal) isWorse(cost int64, moves int) bool {
	return g.best != nil && (cost > g.cost || cost == g.cost && moves >= len(g.best))
}

// noteState looks at the snapshot after some moves.
func (g *roomGoal) noteState(moves []DefragMove) {
	cost := costOf(moves)
	if g.isWorse(cost, len(moves)) {
		return
	}
	if placed := g.search.placeCopies(g.search.copies); placed != nil {
		g.best, g.cost, g.placed = append([]DefragMove(nil), moves...), cost, placed
	}
}

func costOf(moves []DefragMove) int64 {
	cost := int64(0)
	for i := range moves {
		cost += moves[i].Cost
	}
	return cost
}

// planOf is the plan of some moves.
func (d *defragSearch) planOf(moves []DefragMove, complete bool) *DefragPlan {
	plan := &DefragPlan{Moves: moves, Cost: costOf(moves), Complete: complete}
	d.awaitBudgets(plan.Moves)
	return plan
}

// awaitBudgets says which moves have to wait for earlier ones.
func (d *defragSearch) awaitBudgets(moves []DefragMove) {
	drawn := map[int][]int{} // the moves that draw on each budget
	for i := range moves {
		moves[i].Awaits = 0
		for _, b := range d.holders[d.byID[moves[i].Holder]].Budgets {
			if before, allowed := len(drawn[b]), d.budgets[b]; before >= allowed {
				moves[i].Awaits = max(moves[i].Awaits, drawn[b][before-allowed]+1)
			}
			drawn[b] = append(drawn[b], i)
		}
	}
}
