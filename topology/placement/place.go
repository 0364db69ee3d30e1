package placement

import "slices"

// maxSteps bounds the search over combinations of parts, so that a hostile
// request cannot stall the caller. A request of one part never needs more than
// one step for each thing it asks for.
const maxSteps = 4096

// Place decides what each part of the request gets, ranked by the policy, and if
// nothing serves all parts, why. It does not change s.
//
// A part that only accepts whole GPUs is served by the best of all sets of its
// size; other parts are served one offer after the other. Parts are tried from
// the least to the most flexible with backtracking, so that a request that fits
// is found unless the search is cut short, which the verdict then says. The
// rating is best for one part; over several parts it is greedy.
//
// Complexity: C(n, k) sets for k of n GPUs; the node's offers for each slice or
// share; exponential in the number of parts only when they contend.
func Place(inv *Inventory, s State, r *Request, policy Policy) Verdict {
	search := search{inv: inv, state: slices.Clone(s), request: r, policy: policy}
	search.picks = picksOf(inv, r)
	if search.solve(0) {
		slices.SortStableFunc(search.grants, func(a, b Grant) int { return a.Part - b.Part })
		return Verdict{Outcome: Fits, Grants: search.grants, Rating: search.rating}
	}
	if search.steps > maxSteps {
		return Verdict{Outcome: Undecided, Reasons: []Reason{{Code: Unresolved, Part: -1}}}
	}
	return Verdict{Outcome: Refused, Reasons: reasons(inv, s, r)}
}

// pick is one step of the search: a set of whole GPUs, or a single offer.
type pick struct {
	part  int
	count int // more than 1 only for a set of whole GPUs
	gpus  GPUSet
}

// picksOf breaks the parts into picks, the least flexible first: large sets of
// whole GPUs, then single GPUs, large slices, small slices, shares.
func picksOf(inv *Inventory, r *Request) []pick {
	type ranked struct {
		pick
		form   Form
		memory int64
	}
	var all []ranked
	for p := range r.Parts {
		part := &r.Parts[p]
		candidate := ranked{pick: pick{part: p, count: 1}, form: Whole}
		for i := range inv.Offers {
			if !part.Accepts.Has(i) {
				continue
			}
			offer := &inv.Offers[i]
			candidate.form = max(candidate.form, offer.Form)
			if candidate.memory == 0 || int64(offer.Memory) < candidate.memory {
				candidate.memory = int64(offer.Memory)
			}
			candidate.gpus |= 1 << offer.GPU
		}
		repeat := part.Count
		if candidate.form == Whole {
			candidate.count, repeat = part.Count, 1
		}
		for range repeat {
			all = append(all, candidate)
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		switch {
		case a.form != b.form:
			return int(a.form) - int(b.form)
		case a.count != b.count:
			return b.count - a.count
		case a.memory > b.memory:
			return -1
		case a.memory < b.memory:
			return 1
		}
		return 0
	})
	picks := make([]pick, len(all))
	for i := range all {
		picks[i] = all[i].pick
	}
	return picks
}

type search struct {
	inv     *Inventory
	state   State
	request *Request
	policy  Policy
	picks   []pick
	grants  []Grant
	rating  Rating
	steps   int
}

// move is one way to serve a pick.
type move struct {
	gpus   GPUSet // a set of whole GPUs, or
	offer  int    // a single offer
	rating Rating
}

func (s *search) solve(step int) bool {
	if step == len(s.picks) {
		return true
	}
	moves := s.moves(s.picks[step], step == len(s.picks)-1)
	for _, m := range moves {
		if s.steps++; s.steps > maxSteps {
			return false
		}
		mark := len(s.grants)
		before := s.rating
		s.apply(s.picks[step], m)
		if s.solve(step + 1) {
			return true
		}
		for _, grant := range s.grants[mark:] {
			s.inv.Release(s.state, grant.Offer, grant.Bytes)
		}
		s.grants, s.rating = s.grants[:mark], before
	}
	return false
}

func (s *search) apply(p pick, m move) {
	part := &s.request.Parts[p.part]
	grant := func(offer int) {
		s.inv.Hold(s.state, offer, part.Bytes)
		s.grants = append(s.grants, Grant{Part: p.part, Offer: offer, Bytes: part.Bytes})
	}
	if m.gpus == 0 {
		grant(m.offer)
	} else {
		for gpus := m.gpus; gpus != 0; gpus &= gpus - 1 {
			grant(s.wholeOffer(part, gpus.lowest()))
		}
	}
	s.rating = s.rating.plus(m.rating)
}

// moves lists the ways to serve a pick, best first; just the best one if last.
func (s *search) moves(p pick, last bool) []move {
	var moves []move
	add := func(m move) {
		switch {
		case !last || len(moves) == 0:
			moves = append(moves, m)
		case m.rating.Better(moves[0].rating):
			moves[0] = m
		}
	}
	part := &s.request.Parts[p.part]
	if p.count > 1 {
		s.eachSet(p, part, add)
	} else {
		s.eachOffer(p, part, add)
	}
	slices.SortStableFunc(moves, func(a, b move) int {
		switch {
		case a.rating.Better(b.rating):
			return -1
		case b.rating.Better(a.rating):
			return 1
		}
		return 0
	})
	return moves
}

// eachSet calls add for every set of p.count free GPUs that the part accepts and
// whose members are as alike as asked.
func (s *search) eachSet(p pick, part *Part, add func(move)) {
	free := s.state.FreeGPUs() & p.gpus
	if free.Len() < p.count {
		return
	}
	// Sets are enumerated over the free GPUs only: bit b of a pattern is the b-th of them.
	var gpu []int
	for rest := free; rest != 0; rest &= rest - 1 {
		gpu = append(gpu, rest.lowest())
	}
	for pattern := GPUSet(1<<p.count - 1); pattern < 1<<len(gpu); pattern = pattern.nextOfSize() {
		var set GPUSet
		for rest := pattern; rest != 0; rest &= rest - 1 {
			set |= 1 << gpu[rest.lowest()]
		}
		if s.alikeSet(p.part, part, set) {
			add(move{gpus: set, rating: s.policy.RateGPUs(s.inv, s.state, set)})
		}
	}
}

// eachOffer calls add for every offer that the part accepts, that fits, and that
// is as alike to earlier grants as asked.
func (s *search) eachOffer(p pick, part *Part, add func(move)) {
	for i := range s.inv.Offers {
		if !part.Accepts.Has(i) || !s.inv.Fits(s.state, i, part.Bytes) || !s.alike(p.part, i) {
			continue
		}
		m := move{offer: i}
		if offer := &s.inv.Offers[i]; offer.Form == Whole {
			m.rating = s.policy.RateGPUs(s.inv, s.state, 1<<offer.GPU)
		} else {
			m.rating = s.policy.RateOffer(s.inv, s.state, i, part)
		}
		add(m)
	}
}

// wholeOffer is the offer by which the part takes a GPU as a whole. The GPU is
// one of the pick's, so there is one.
func (s *search) wholeOffer(part *Part, gpu int) int {
	for i := range s.inv.Offers {
		if offer := &s.inv.Offers[i]; offer.GPU == gpu && offer.Form == Whole && part.Accepts.Has(i) {
			return i
		}
	}
	return -1
}

// alike reports whether offer i may go to the part beside the grants made so far.
func (s *search) alike(part, i int) bool {
	for c := range s.request.Alike {
		constraint := &s.request.Alike[c]
		if !slices.Contains(constraint.Parts, part) {
			continue
		}
		value := constraint.Values[i]
		if value == NoValue {
			return false
		}
		for _, grant := range s.grants {
			if slices.Contains(constraint.Parts, grant.Part) && (constraint.Values[grant.Offer] == value) == constraint.Distinct {
				return false
			}
		}
	}
	return true
}

// alikeSet is alike for a set of whole GPUs, which must agree among themselves too.
func (s *search) alikeSet(index int, part *Part, set GPUSet) bool {
	if len(s.request.Alike) == 0 {
		return true
	}
	mark := len(s.grants)
	defer func() { s.grants = s.grants[:mark] }()
	for ; set != 0; set &= set - 1 {
		offer := s.wholeOffer(part, set.lowest())
		if !s.alike(index, offer) {
			return false
		}
		s.grants = append(s.grants, Grant{Part: index, Offer: offer})
	}
	return true
}
