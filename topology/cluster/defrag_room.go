package cluster

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Bounds of the search on single nodes: how many sets of holders are tried, and how many moves
// elsewhere are tried for one that fits nowhere.
const (
	maxEmptiedSets = 256
	maxAsideMoves  = 512
)

// emptiedSet is holders of one node without whom a pod fits there.
type emptiedSet struct {
	holders []int
	cost    int64
}

// emptyNodes tries, for the cheapest sets of holders without whom the pod fits on their node, to
// move all of them.
func (d *defragSearch) emptyNodes(goal *roomGoal) {
	sets := d.emptiedSets()
	for i := range sets[:min(len(sets), maxEmptiedSets)] {
		if d.stepsLeft <= 0 || goal.isWorse(sets[i].cost, len(sets[i].holders)) {
			return
		}
		d.emptySet(sets[i].holders, goal)
	}
}

// emptiedSets lists sets of holders without whom the pod fits on their node, the cheapest
// first; one of nodes that are alike and whose holders are.
func (d *defragSearch) emptiedSets() []emptiedSet {
	onNode := map[int][]int{}
	for _, h := range d.usableHolders() {
		onNode[d.where[h]] = append(onNode[d.where[h]], h)
	}
	var sets []emptiedSet
	for node := range d.snapshot.nodes {
		room, holders := &d.snapshot.rooms[node], onNode[node]
		if len(holders) == 0 || room.closed || room.class == noClass || !d.fitsWithout(node, holders) {
			continue
		}
		slices.SortStableFunc(holders, func(a, b int) int { return cmp.Compare(d.holders[a].Cost, d.holders[b].Cost) })
		for _, set := range d.smallestSets(node, holders) {
			cost := int64(0)
			for _, h := range set {
				cost += d.holders[h].Cost
			}
			sets = append(sets, emptiedSet{set, cost})
		}
	}
	slices.SortStableFunc(sets, func(a, b emptiedSet) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(len(a.holders), len(b.holders)))
	})
	return sets
}

// smallestSets lists every single holder, every pair and one larger set of a node without whom the
// pod fits there.
func (d *defragSearch) smallestSets(node int, holders []int) [][]int {
	var sets [][]int
	single := map[int]bool{}
	for _, h := range holders {
		if d.fitsWithout(node, []int{h}) {
			sets, single[h] = append(sets, []int{h}), true
		}
	}
	if len(holders) <= maxPairs {
		for i, a := range holders {
			for _, b := range holders[i+1:] {
				if !single[a] && !single[b] && d.fitsWithout(node, []int{a, b}) {
					sets = append(sets, []int{a, b})
				}
			}
		}
	}
	// Beyond pairs, a set of which every member is needed.
	needed := slices.Clone(holders)
	for i := len(needed) - 1; i >= 0; i-- {
		if spared := slices.Delete(slices.Clone(needed), i, i+1); d.fitsWithout(node, spared) {
			needed = spared
		}
	}
	if len(needed) > 2 && len(needed) <= d.maxMoves {
		sets = append(sets, needed)
	}
	return sets
}

// fitsWithout reports whether the pod fits on a node once holders have gone from it.
func (d *defragSearch) fitsWithout(node int, gone []int) bool {
	s := d.snapshot
	s.Fork()
	defer s.Revert()
	for _, h := range gone {
		s.ReleaseHolder(node, d.holders[h].Holder)
	}
	return d.rival.Host.Within(s.rooms[node].free) && d.rival.Ranking.FitsOn(node)
}

// emptySet moves all of some holders, the largest first or the smallest first, and others before
// them where they fit nowhere.
func (d *defragSearch) emptySet(holders []int, goal *roomGoal) {
	largest := slices.Clone(holders)
	slices.SortStableFunc(largest, func(a, b int) int { return d.sizeOf(b) - d.sizeOf(a) })
	smallest := slices.Clone(largest)
	slices.Reverse(smallest)
	orders := [][]moveAction{d.closingActions(largest), d.closingActions(smallest)}
	for _, order := range orders {
		if d.tryMoves(order, goal.noteState) {
			return
		}
	}
	if len(holders) >= d.maxMoves {
		return
	}
	for _, aside := range d.cheapestAside(holders) {
		if d.stepsLeft <= 0 || goal.isWorse(d.holders[aside].Cost, len(holders)+1) {
			return
		}
		if d.tryMoves(append(d.closingActions([]int{aside}), orders[0]...), goal.noteState) {
			return
		}
	}
}

// sizeOf is how much a holder has, for the order in which holders are moved.
func (d *defragSearch) sizeOf(h int) int {
	size := 0
	allocations := d.snapshot.nodes[d.where[h]].state.Allocations()
	for i := range allocations {
		if allocations[i].Holder == d.holders[h].Holder {
			size += deviceSize(d.snapshot.nodes[d.where[h]].Inventory, allocations[i].Devices)
		}
	}
	return size
}

// deviceSize is the memory of devices in MiB.
func deviceSize(inv *placement.Inventory, devices []placement.DeviceAllocation) int {
	size := 0
	for _, device := range devices {
		size += int(inv.Devices[device.Device].Memory >> 20)
	}
	return size
}

// cheapestAside lists other holders by cost.
func (d *defragSearch) cheapestAside(holders []int) []int {
	others := slices.DeleteFunc(d.usableHolders(), func(h int) bool { return slices.Contains(holders, h) })
	slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(d.holders[a].Cost, d.holders[b].Cost) })
	return others[:min(len(others), maxAsideMoves)]
}

// emptyForCopies makes room for one copy after the other, each where it costs least.
func (d *defragSearch) emptyForCopies(goal *roomGoal) {
	s := d.snapshot
	mark := len(s.undo.changes)
	all := d.copies
	defer func() { d.copies = all }()
	var order []moveAction
	d.copies = 1
	for range all {
		if d.takeCopies(1) != nil {
			continue
		}
		one := &roomGoal{search: d}
		for _, action := range d.possibleActions() {
			d.tryMoves([]moveAction{action}, one.noteState)
		}
		d.emptyNodes(one)
		if one.best == nil || len(order)+len(one.best) > d.maxMoves {
			break
		}
		for _, action := range d.actionsOf(one.best) {
			d.moveHolder(action)
			order = append(order, action)
		}
		if d.takeCopies(1) == nil {
			break
		}
	}
	s.revertTo(mark)
	for _, action := range order {
		d.moved[action.holder] = false
	}
	d.copies = all
	// Without the copies in between: the moves come first, and each has to fit by itself.
	d.tryMoves(order, goal.noteState)
}
