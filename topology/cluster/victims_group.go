package cluster

import "slices"

// maxGroupChecks bounds how often a group is placed while its victims are looked for.
const maxGroupChecks = 512

// SelectGroupVictims finds whom to end for several pods that are placed together, by the order
// of SelectVictims. fits is asked with victims gone and must not keep what it tries. It is nil
// if ending others does not help; the snapshot stays as it was.
//
// The choice is exact where the sets to try are few, as with up to about eight victims. With
// more, nodes are emptied until the group fits, those first on which least is lost,
// and everyone is spared who need not go.
func (s *Snapshot) SelectGroupVictims(p *Preemptor, fits func() bool) *VictimChoice {
	index := p.indexVictims()
	where := make([][]int, len(index.holders))
	nodeOf := map[int32]int{}
	var units, here []int32
	for node := range s.nodes {
		if s.rooms[node].closed || p.Admits != nil && !p.Admits(node) {
			continue
		}
		allocations := s.nodes[node].state.Allocations()
		here = index.unitsOn(allocations, here)
		for _, u := range here {
			if _, placed := nodeOf[u]; !placed {
				nodeOf[u] = node
				units = append(units, u)
			}
		}
		for i := range allocations {
			if h, known := index.byName[allocations[i].Holder]; known && !slices.Contains(where[h], node) {
				where[h] = append(where[h], node)
			}
		}
	}
	if len(units) == 0 {
		return nil
	}
	slices.Sort(units)
	search := &victimSearch{victimIndex: index, units: units, fits: func(gone []int32) bool {
		s.Fork()
		defer s.Revert()
		index.endUnits(gone, func(h int32) {
			for _, node := range where[h] {
				s.releaseUnpinned(node, index.holders[h].name)
			}
		})
		return fits()
	}}
	search.checks = maxGroupChecks
	if !search.checkSet(units) {
		return nil
	}
	for _, mayExceed := range []bool{false, true} {
		if mayExceed && (search.found || p.KeepBudgets || len(p.Budgets) == 0) {
			break
		}
		search.mayExceed, search.checks = mayExceed, maxGroupChecks
		search.tryInOrder(index.byPlace(units, nodeOf))
		cheapest := slices.Clone(units)
		slices.Reverse(cheapest)
		search.tryInOrder(cheapest)
		search.searchAll(0, nil)
	}
	if !search.found {
		return nil
	}
	return index.choiceOf(-1, search.best)
}
