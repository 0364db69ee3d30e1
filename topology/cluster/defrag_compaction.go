package cluster

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ExpectedRequest is a kind of pod that is expected.
type ExpectedRequest struct {
	Ranking *NodeRanking
	Host    topology.HostResources
	// Weight is what one more of them is worth.
	Weight int64
}

// CountPlaceable says how many pods of each expected kind would fit, each kind by itself.
func (s *Snapshot) CountPlaceable(mix []ExpectedRequest) []int64 {
	counter := newPlaceableCounter(s, mix)
	counts := make([]int64, len(mix))
	for node := range s.nodes {
		for i, count := range counter.onNode(node) {
			counts[i] += count
		}
	}
	return counts
}

// PlanCompaction plans moves that raise the sum, over the expected requests, of how many fit
// times their weight: as far as possible within MaxMoves, and so far with the least cost. A plan
// without moves says that none was found. The snapshot stays as it was.
//
// Where the search is not complete, it took the move with the largest gain for its cost again and
// again, so that several moves that only gain together may be missing.
func (s *Snapshot) PlanCompaction(d *Defragmentation, mix []ExpectedRequest) *DefragPlan {
	search := newDefragSearch(s, d)
	s.Fork()
	defer s.Revert()
	goal := &compactionGoal{search: search, counter: newPlaceableCounter(s, mix)}
	before := s.CountPlaceable(mix)
	goal.climbGreedily()
	complete := search.exploreStates(goal.noteState, func(int64, int) bool { return false })
	plan := search.planOf(goal.best, complete)
	plan.Before, plan.After = before, slices.Clone(before)
	search.tryMoves(search.actionsOf(goal.best), func([]DefragMove) { plan.After = s.CountPlaceable(mix) })
	return plan
}

// actionsOf lists what moves were made by.
func (d *defragSearch) actionsOf(moves []DefragMove) []moveAction {
	var order []moveAction
	for i := range moves {
		order = append(order, moveAction{d.byID[moves[i].Holder], moves[i].Closes})
	}
	return order
}

// compactionGoal keeps the moves that gain most.
type compactionGoal struct {
	search  *defragSearch
	counter *placeableCounter
	best    []DefragMove
	gain    int64
	cost    int64
}

// noteState looks at the snapshot after some moves.
func (g *compactionGoal) noteState(moves []DefragMove) {
	gain, cost := g.gainOf(moves), costOf(moves)
	better := cmp.Or(cmp.Compare(gain, g.gain), cmp.Compare(g.cost, cost), cmp.Compare(len(g.best), len(moves)))
	if gain > 0 && better > 0 {
		g.best, g.gain, g.cost = slices.Clone(moves), gain, cost
	}
}

// gainOf is what the snapshot is worth more after some moves than before them.
func (g *compactionGoal) gainOf(moves []DefragMove) int64 {
	var changed []int
	for i := range moves {
		changed = append(changed, moves[i].From, moves[i].To)
	}
	slices.Sort(changed)
	changed = slices.Compact(changed)
	after := make([]int64, len(changed))
	for i, node := range changed {
		after[i] = g.counter.worthOf(node)
	}
	gain := int64(0)
	for i, node := range changed {
		gain += after[i] - g.counter.before[node]
	}
	return gain
}

// climbGreedily takes the move with the largest gain for its cost again and again.
func (g *compactionGoal) climbGreedily() {
	d := g.search
	var order []moveAction
	reached := int64(0)
	for len(order) < d.maxMoves && d.stepsLeft > 0 {
		next, most := moveAction{}, 0.0
		for _, action := range d.possibleActions() {
			if d.stepsLeft <= 0 {
				break
			}
			if slices.ContainsFunc(order, func(made moveAction) bool { return made.holder == action.holder }) {
				continue
			}
			d.tryMoves(append(slices.Clip(order), action), func(moves []DefragMove) {
				if gain := float64(g.gainOf(moves)-reached) / float64(1+d.holders[action.holder].Cost); gain > most {
					next, most = action, gain
				}
			})
		}
		if most == 0 {
			return
		}
		order = append(order, next)
		d.tryMoves(order, func(moves []DefragMove) {
			reached = g.gainOf(moves)
			g.noteState(moves)
		})
	}
}

// placeableCounter counts what fits on nodes, once for each class.
type placeableCounter struct {
	snapshot *Snapshot
	mix      []ExpectedRequest
	// before is what each node was worth at first.
	before     []int64
	generation int
	byClass    map[countKey]int64
	gpus       placement.GPUStates
}

type countKey struct {
	otherKey
	request int
}

func newPlaceableCounter(s *Snapshot, mix []ExpectedRequest) *placeableCounter {
	c := &placeableCounter{snapshot: s, mix: mix, byClass: map[countKey]int64{}, generation: s.classes.generation}
	for node := range s.nodes {
		c.before = append(c.before, c.worthOf(node))
	}
	return c
}

// worthOf is what fits on a node times what it is worth.
func (c *placeableCounter) worthOf(node int) int64 {
	worth := int64(0)
	for i, count := range c.onNode(node) {
		worth += count * c.mix[i].Weight
	}
	return worth
}

// onNode is how many of each kind fit on a node.
func (c *placeableCounter) onNode(node int) []int64 {
	s := c.snapshot
	counts := make([]int64, len(c.mix))
	room := &s.rooms[node]
	if room.class == noClass || room.closed {
		return counts
	}
	if c.generation != s.classes.generation {
		clear(c.byClass)
		c.generation = s.classes.generation
	}
	for i := range c.mix {
		kind := &c.mix[i]
		key := countKey{otherKey{room.class, kind.Ranking.keyOn(node)}, i}
		count, known := c.byClass[key]
		if !known {
			count = c.fillNode(node, kind.Ranking)
			c.byClass[key] = count
		}
		counts[i] = min(count, hostsWithin(kind.Host, room.free))
	}
	return counts
}

// fillNode is how many pods the devices of a node serve, one after the other.
func (c *placeableCounter) fillNode(node int, ranking *NodeRanking) int64 {
	n := &c.snapshot.nodes[node]
	c.gpus = append(c.gpus[:0], n.state.GPUs()...)
	for count := int64(0); ; count++ {
		fits := false
		for preference := 0; !fits; preference++ {
			request := ranking.request.RequestOn(node, preference)
			if request == nil {
				return count
			}
			verdict := c.snapshot.placer.Place(n.Inventory, c.gpus, request, ranking.policy)
			if fits = verdict.Outcome == placement.Fits && len(verdict.Devices) > 0; fits {
				for _, device := range verdict.Devices {
					n.Inventory.HoldDevice(c.gpus, device.Device, device.ShareSize)
				}
			}
		}
	}
}

// hostsWithin is how many pods' shares of a host fit in what is free.
func hostsWithin(host, free topology.HostResources) int64 {
	count := int64(1) << 40
	if host.CPU > 0 {
		count = min(count, int64(free.CPU)/int64(host.CPU))
	}
	if host.Memory > 0 {
		count = min(count, int64(free.Memory)/int64(host.Memory))
	}
	return max(count, 0)
}
