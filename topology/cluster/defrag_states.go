package cluster

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// exploreStates looks at all states that moves lead to, the cheapest first, and calls visit
// in each. It leaves out those whose moves skip refuses, together with all that they lead to.
// It reports false if it stopped for want of steps.
//
// Two orders of the same moves lead to the same state, which is looked at once.
func (d *defragSearch) exploreStates(visit func([]DefragMove), skip func(cost int64, moves int) bool) bool {
	open := []defragState{{}}
	seen := map[string]bool{}
	for len(open) > 0 {
		last := len(open) - 1
		state := open[last]
		open = open[:last]
		if len(state.order) >= d.maxMoves || skip(state.cost, len(state.order)) {
			continue
		}
		mark := len(d.snapshot.undo.changes)
		var moves []DefragMove
		for _, action := range state.order {
			move, _ := d.moveHolder(action) // it could be made when the state was found
			moves = append(moves, move)
		}
		for _, action := range d.possibleActions() {
			if d.stepsLeft <= 0 {
				d.takeBack(mark, moves)
				return false
			}
			cost := state.cost + d.holders[action.holder].Cost
			if skip(cost, len(moves)+1) {
				continue
			}
			inner := len(d.snapshot.undo.changes)
			move, ok := d.moveHolder(action)
			if !ok {
				continue
			}
			next := append(slices.Clip(moves), move)
			if key := d.stateKey(next); !seen[key] {
				seen[key] = true
				visit(next)
				found := defragState{cost: cost, order: append(slices.Clip(state.order), action)}
				at, _ := slices.BinarySearchFunc(open, found, compareStates)
				open = slices.Insert(open, at, found)
			}
			d.takeBack(inner, next[len(moves):])
		}
		d.takeBack(mark, moves)
	}
	return true
}

// stateKey spells out where the moved holders are.
func (d *defragSearch) stateKey(moves []DefragMove) string {
	sorted := slices.Clone(moves)
	slices.SortFunc(sorted, func(a, b DefragMove) int { return d.byID[a.Holder] - d.byID[b.Holder] })
	var key []byte
	for i := range sorted {
		key = binary.AppendUvarint(key, uint64(d.byID[sorted[i].Holder]))
		key = binary.AppendUvarint(key, uint64(sorted[i].To))
		for _, device := range sortedDevices(sorted[i].Takes) {
			key = binary.AppendUvarint(key, uint64(device.Device)+1)
		}
		key = append(key, 0)
	}
	return string(key)
}

// defragState is a state by the moves that lead to it.
type defragState struct {
	cost  int64
	order []moveAction
}

// compareStates orders states by what is looked at last: the dearest first, of equally dear
// ones that with the most moves.
func compareStates(a, b defragState) int {
	return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(len(b.order), len(a.order)), slices.CompareFunc(b.order, a.order, compareActions))
}

func compareActions(a, b moveAction) int {
	if a.holder == b.holder && a.closes != b.closes {
		return map[bool]int{true: 1, false: -1}[a.closes]
	}
	return cmp.Compare(a.holder, b.holder)
}
