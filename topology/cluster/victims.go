package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Preemptor is a pod that may end holders of lower priority.
type Preemptor struct {
	// Ranking is what it asks for; nil for a pod without GPUs.
	Ranking *NodeRanking
	Host    topology.HostResources
	// Priority is its own: only holders below it may be ended, and none that is pinned.
	Priority int64
	// Cheaper orders holders by how little is lost with them, the least first; it must
	// tell any two apart.
	Cheaper func(a, b placement.HolderID) int
}

// SelectVictims finds the holders to end for a pod that goes to one node: the fewest over
// all nodes, then the cheapest. It is nil if ending holders does not help; the snapshot
// stays as it was.
func (s *Snapshot) SelectVictims(p *Preemptor) []placement.HolderID {
	var best []placement.HolderID
	for node := range s.nodes {
		n := &s.nodes[node]
		if room := &s.rooms[node]; room.closed || p.Ranking != nil && room.class == noClass {
			continue
		}
		below := holdersBelow(n.state.Allocations(), p)
		if len(below) == 0 {
			continue
		}
		found := s.fewestVictims(p, node, below)
		if found != nil && (best == nil || p.cheaperSet(found, best)) {
			best = found
		}
	}
	return best
}

// holdersBelow lists the holders that the pod may end, each once, the cheapest first.
func holdersBelow(allocations []placement.Allocation, p *Preemptor) []placement.HolderID {
	var below []placement.HolderID
	for i := range allocations {
		if a := &allocations[i]; a.Priority < p.Priority && !a.Pinned && !slices.Contains(below, a.Holder) {
			below = append(below, a.Holder)
		}
	}
	slices.SortFunc(below, p.Cheaper)
	return below
}

// cheaperSet compares sets of victims: the fewer first, then the cheaper ones.
func (p *Preemptor) cheaperSet(a, b []placement.HolderID) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	for i := range a {
		if a[i] != b[i] {
			return p.Cheaper(a[i], b[i]) < 0
		}
	}
	return false
}

// maxPairs is up to how many holders on a node every two of them are tried.
const maxPairs = 24

// fewestVictims finds the fewest of the holders without which the pod fits on a node.
// One is found for sure, two where there are at most maxPairs holders; beyond that it is
// a set of which every member is needed.
func (s *Snapshot) fewestVictims(p *Preemptor, node int, below []placement.HolderID) []placement.HolderID {
	if !s.fitsWithout(p, node, below) {
		return nil
	}
	for _, holder := range below {
		if s.fitsWithout(p, node, []placement.HolderID{holder}) {
			return []placement.HolderID{holder}
		}
	}
	if len(below) <= maxPairs {
		for i, a := range below {
			for _, b := range below[i+1:] {
				if s.fitsWithout(p, node, []placement.HolderID{a, b}) {
					return []placement.HolderID{a, b}
				}
			}
		}
	}
	return neededVictims(below, func(gone []placement.HolderID) bool { return s.fitsWithout(p, node, gone) })
}

// neededVictims spares, from the dearest on, each holder without whose end the pod fits
// as well.
func neededVictims(victims []placement.HolderID, fits func(gone []placement.HolderID) bool) []placement.HolderID {
	needed := slices.Clone(victims)
	for i := len(needed) - 1; i >= 0; i-- {
		if spared := slices.Delete(slices.Clone(needed), i, i+1); fits(spared) {
			needed = spared
		}
	}
	return needed
}

// fitsWithout reports whether the pod fits on a node once holders are gone from it.
func (s *Snapshot) fitsWithout(p *Preemptor, node int, gone []placement.HolderID) bool {
	s.Fork()
	defer s.Revert()
	for _, holder := range gone {
		s.ReleaseHolder(node, holder)
	}
	return p.Host.Within(s.rooms[node].free) && (p.Ranking == nil || p.Ranking.FitsOn(node))
}

// SelectGroupVictims finds the holders to end for several pods that are placed together:
// the cheapest of all nodes, in doubling numbers until fits holds, less those that need
// not go. fits is asked with the holders gone and must not keep what it tries. It is nil
// if ending holders does not help; the snapshot stays as it was.
func (s *Snapshot) SelectGroupVictims(p *Preemptor, fits func() bool) []placement.HolderID {
	where := map[placement.HolderID][]int{}
	var below []placement.HolderID
	for node := range s.nodes {
		for _, holder := range holdersBelow(s.nodes[node].state.Allocations(), p) {
			if where[holder] == nil {
				below = append(below, holder)
			}
			where[holder] = append(where[holder], node)
		}
	}
	if len(below) == 0 {
		return nil
	}
	slices.SortFunc(below, p.Cheaper)
	fitsWithout := func(gone []placement.HolderID) bool {
		s.Fork()
		defer s.Revert()
		for _, holder := range gone {
			for _, node := range where[holder] {
				s.ReleaseHolder(node, holder)
			}
		}
		return fits()
	}
	if !fitsWithout(below) {
		return nil
	}
	count := 1
	for count < len(below) && !fitsWithout(below[:count]) {
		count = min(2*count, len(below))
	}
	return neededVictims(below[:count], fitsWithout)
}
