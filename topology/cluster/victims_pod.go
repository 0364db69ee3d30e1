package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

const (
	// maxNodeChecks bounds the sets that are tried on one node, maxPodChecks those on all
	// nodes beyond the first few.
	maxNodeChecks = 2048
	maxPodChecks  = 1 << 16
)

// SelectVictims finds whom to end for a pod that goes to one node, over all nodes: those that
// keep within budgets come first, then the lowest priorities, the least GPU time lost and the
// fewest pods; of equals the first node. No victim is needless. It is nil if ending others
// does not help; the snapshot stays as it was.
//
// The choice is exact where the sets to try are few enough, as on nodes with up to about a
// dozen victims, and otherwise the best of those tried.
//
// Complexity: for each node one release of all victims and a few of some; the pod's fit
// is looked up by class of nodes.
func (s *Snapshot) SelectVictims(p *Preemptor) *VictimChoice {
	index := p.indexVictims()
	if choice := s.selectOnNodes(p, index, false); choice != nil || p.KeepBudgets || len(p.Budgets) == 0 {
		return choice
	}
	return s.selectOnNodes(p, index, true)
}

func (s *Snapshot) selectOnNodes(p *Preemptor, index *victimIndex, mayExceed bool) *VictimChoice {
	search := &victimSearch{victimIndex: index, mayExceed: mayExceed}
	chosen, left := -1, maxPodChecks
	for node := range s.nodes {
		if room := &s.rooms[node]; room.closed || p.Ranking != nil && room.class == noClass || p.Admits != nil && !p.Admits(node) {
			continue
		}
		search.units = index.unitsOn(s.nodes[node].state.Allocations(), search.units)
		if len(search.units) == 0 || search.outdoesSet(search.units[len(search.units)-1:]) {
			continue // even the cheapest alone is dearer than the best
		}
		search.fits = func(units []int32) bool { return s.fitsWithout(p, index, node, units) }
		if search.checks = min(maxNodeChecks, max(left, 0)+4*len(search.units)); !search.checkSet(search.units) {
			continue
		}
		before := search.checks
		search.changed = false
		if !search.found {
			search.tryInOrder(index.byPlace(search.units, s.gpusOf(node, index)))
		}
		search.searchAll(0, nil)
		left -= before - search.checks
		if search.changed {
			chosen = node
		}
	}
	if chosen < 0 {
		return nil
	}
	return index.choiceOf(chosen, search.best)
}

// gpusOf says of each unit which GPU of a node its holders have first.
func (s *Snapshot) gpusOf(node int, index *victimIndex) map[int32]int {
	n := &s.nodes[node]
	places := map[int32]int{}
	for _, a := range n.state.Allocations() {
		h, known := index.byName[a.Holder]
		if !known || len(a.Devices) == 0 {
			continue
		}
		for _, u := range index.holders[h].users {
			if _, placed := places[u]; !placed {
				places[u] = n.Inventory.Devices[a.Devices[0].Device].GPU
			}
		}
	}
	return places
}

// byPlace orders units so that those of one place follow each other, the places first of
// which all units together are the cheapest.
func (v *victimIndex) byPlace(units []int32, placeOf map[int32]int) []int32 {
	var places []int
	of := map[int][]int32{}
	placeAt := func(u int32) int {
		if place, known := placeOf[u]; known {
			return place
		}
		return -1
	}
	for _, u := range units {
		of[placeAt(u)] = append(of[placeAt(u)], u)
	}
	listed := map[int]bool{}
	for _, u := range slices.Backward(units) { // of equal places that of the first victim
		if place := placeAt(u); !listed[place] {
			listed[place] = true
			places = append(places, place)
		}
	}
	slices.SortStableFunc(places, func(a, b int) int { return v.compareLosses(of[a], of[b]) })
	ordered := make([]int32, 0, len(units))
	for _, place := range places {
		ordered = append(ordered, of[place]...)
	}
	return ordered
}

// fitsWithout reports whether the pod fits on a node once units have ended.
func (s *Snapshot) fitsWithout(p *Preemptor, index *victimIndex, node int, units []int32) bool {
	s.Fork()
	defer s.Revert()
	index.endUnits(units, func(h int32) { s.releaseUnpinned(node, index.holders[h].name) })
	free := s.rooms[node].free
	if p.FreeHost != nil {
		free = p.FreeHost(node, index.victimsOf(units))
	}
	return p.Host.Within(free) && (p.Ranking == nil || p.Ranking.FitsOn(node))
}

// releaseUnpinned takes back what a holder has on a node, unless something of it is pinned.
func (s *Snapshot) releaseUnpinned(node int, holder placement.HolderID) {
	held := func(a placement.Allocation) bool { return a.Holder == holder && a.Pinned }
	if !slices.ContainsFunc(s.nodes[node].state.Allocations(), held) {
		s.ReleaseHolder(node, holder)
	}
}
