package cluster

import "slices"

// victimSearch looks for the units with which least is lost and without which something fits.
// Whatever fits once some have ended fits once more have.
type victimSearch struct {
	*victimIndex
	// units are those to choose from, the dearest first.
	units []int32
	// fits says whether it fits once units have ended.
	fits func(units []int32) bool
	// mayExceed says that budgets may be exceeded.
	mayExceed bool
	// checks is how often fits may still be asked.
	checks int
	// best is what was found so far, on any node.
	best     []int32
	exceeded int
	found    bool
	// changed says that best is of this search.
	changed bool
	buffer  []int32
}

// checkSet asks fits as long as that is allowed; otherwise the answer is no.
func (s *victimSearch) checkSet(units []int32) bool {
	if s.checks <= 0 {
		return false
	}
	s.checks--
	return s.fits(units)
}

// promisesMore reports whether a set, which may grow, can be better than the best.
func (s *victimSearch) promisesMore(units []int32) bool {
	exceeded := s.exceededBy(units)
	if exceeded > 0 && !s.mayExceed {
		return false
	}
	if !s.found || exceeded != s.exceeded {
		return !s.found || exceeded < s.exceeded
	}
	return s.compareLosses(units, s.best) < 0
}

// outdoesSet reports whether the best, which exceeds no budget, is at least as good as units and
// whatever more ends.
func (s *victimSearch) outdoesSet(units []int32) bool {
	return s.found && s.exceeded == 0 && s.compareLosses(units, s.best) >= 0
}

// offerSet takes a set without which it fits for the best if it is better.
func (s *victimSearch) offerSet(units []int32) {
	if s.promisesMore(units) {
		s.best, s.exceeded = append(s.best[:0], units...), s.exceededBy(units)
		s.found, s.changed = true, true
	}
}

// tryInOrder ends units in an order until it fits, spares those that need not go, the dearest
// first, and offers the rest.
func (s *victimSearch) tryInOrder(order []int32) {
	if !s.mayExceed && len(s.budgets) > 0 {
		var within []int32
		for _, u := range order {
			if within = append(within, u); s.exceededBy(within) > 0 {
				within = within[:len(within)-1]
			}
		}
		order = within
	}
	count := 1
	for {
		count = min(count, len(order))
		set := slices.Clone(order[:count])
		slices.Sort(set)
		if s.checkSet(set) {
			s.offerSet(s.spareFrom(set, 0, len(set)))
			return
		}
		if count == len(order) {
			return
		}
		count *= 2
	}
}

// spareFrom spares, of the units from one place to another, as many as can be at once, then
// halves of them: each that is left is needed, unless checks ran out.
func (s *victimSearch) spareFrom(set []int32, from, to int) []int32 {
	if from >= to {
		return set
	}
	if spared := slices.Delete(slices.Clone(set), from, to); s.checkSet(spared) {
		return spared
	}
	if to-from == 1 {
		return set
	}
	middle, before := (from+to)/2, len(set)
	set = s.spareFrom(set, from, middle)
	shift := before - len(set)
	return s.spareFrom(set, middle-shift, to-shift)
}

// searchAll tries all sets that can be better than the best, as long as checks last: the units
// from place i on are to be decided on, and it does not fit yet once the chosen ones end.
func (s *victimSearch) searchAll(i int, chosen []int32) {
	if i == len(s.units) || s.checks <= 0 {
		return
	}
	s.buffer = append(append(s.buffer[:0], chosen...), s.units[i+1:]...)
	if s.checkSet(s.buffer) {
		s.searchAll(i+1, chosen)
	}
	taken := append(slices.Clip(chosen), s.units[i])
	switch {
	case !s.promisesMore(taken):
	case s.checkSet(taken):
		s.offerSet(taken)
	default:
		s.searchAll(i+1, taken)
	}
}
