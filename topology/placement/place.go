package placement

import (
	"math/bits"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// maxSteps bounds the search over combinations of parts, so that a hostile
// request cannot stall the caller. A request of one part never needs more than
// one step for each thing it asks for.
const maxSteps = 4096

// Place decides what each part of the request gets, ranked by the policy, and if
// nothing serves all parts, why. It does not change s. A caller that places often
// keeps a Placer.
func Place(inv *Inventory, s State, r *Request, policy Policy) Verdict {
	var placer Placer
	return placer.Place(inv, s, r, policy)
}

// Placer places requests and reuses its memory: after a few calls it allocates
// nothing. It belongs to one goroutine at a time.
type Placer struct {
	view    View
	request *Request
	policy  Policy
	picks   []pick
	moves   []move // of all steps, one after the other
	grants  []Grant
	reasons []Reason
	rating  Rating
	steps   int
}

// Place decides what each part of the request gets. The verdict's lists are valid
// until the next call.
//
// A part that only accepts whole GPUs is served by the best of all sets of its
// size; other parts are served one offer after the other. Parts are tried from
// the least to the most flexible with backtracking, so that a request that fits
// is found unless the search is cut short, which the verdict then says. The
// rating is the best there is for one part that is one set or one offer; beyond
// that each step is the best given the steps before.
//
// Complexity: C(n, k) sets for k of n GPUs; the accepted offers for each slice or
// share; exponential in the number of parts only when they contend.
func (p *Placer) Place(inv *Inventory, s State, r *Request, policy Policy) Verdict {
	p.begin(inv, s, r, policy)
	p.findPicks()
	if p.solve(0) {
		slices.SortStableFunc(p.grants, func(a, b Grant) int { return a.Part - b.Part })
		return Verdict{Outcome: Fits, Grants: p.grants, Rating: p.rating}
	}
	if p.steps > maxSteps {
		p.reasons = append(p.reasons[:0], Reason{Code: Unresolved, Part: -1})
		return Verdict{Outcome: Undecided, Reasons: p.reasons}
	}
	p.explain()
	return Verdict{Outcome: Refused, Reasons: p.reasons}
}

func (p *Placer) begin(inv *Inventory, s State, r *Request, policy Policy) {
	p.view = View{Inventory: inv, State: append(p.view.State[:0], s...), Free: s.FreeGPUs()}
	p.request, p.policy = r, policy
	p.moves, p.grants = p.moves[:0], p.grants[:0]
	p.rating, p.steps = Rating{}, 0
}

// pick is one step of the search: a set of whole GPUs, or a single offer.
type pick struct {
	part int
	// count is more than 1 only for a set of whole GPUs.
	count int
	// gpus are those of the accepted offers.
	gpus GPUSet
	// form and memory are the most flexible form and the smallest offer accepted.
	form   Form
	memory topology.Bytes
}

// findPicks breaks the parts into picks, the least flexible first: large sets of
// whole GPUs, then single GPUs, large slices, small slices, shares.
func (p *Placer) findPicks() {
	p.picks = p.picks[:0]
	if len(p.request.Parts) == 1 && p.request.Parts[0].Count == 1 {
		p.picks = append(p.picks, pick{count: 1}) // nothing to put in order
		return
	}
	for i := range p.request.Parts {
		part := &p.request.Parts[i]
		candidate := pick{part: i, count: 1, form: Whole}
		for o := part.Accepts.next(0); o >= 0; o = part.Accepts.next(o + 1) {
			offer := &p.view.Offers[o]
			candidate.form = max(candidate.form, offer.Form)
			if candidate.memory == 0 || offer.Memory < candidate.memory {
				candidate.memory = offer.Memory
			}
			candidate.gpus |= 1 << offer.GPU
		}
		repeat := part.Count
		if candidate.form == Whole {
			candidate.count, repeat = part.Count, min(1, part.Count)
		}
		for range repeat {
			p.picks = append(p.picks, candidate)
		}
	}
	if len(p.picks) < 2 {
		return
	}
	slices.SortStableFunc(p.picks, func(a, b pick) int {
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
}

// move is one way to serve a pick.
type move struct {
	gpus   GPUSet // a set of whole GPUs, or
	offer  int    // a single offer
	rating Rating
}

func (p *Placer) solve(step int) bool {
	if step == len(p.picks) {
		return true
	}
	first := len(p.moves)
	p.findMoves(&p.picks[step], step == len(p.picks)-1)
	end := len(p.moves)
	for at := first; at < end; at++ {
		if p.steps++; p.steps > maxSteps {
			break
		}
		grants, rating := len(p.grants), p.rating
		p.apply(&p.picks[step], p.moves[at])
		if p.solve(step + 1) {
			return true
		}
		for _, grant := range p.grants[grants:] {
			p.view.release(grant.Offer, grant.Size)
		}
		p.grants, p.rating = p.grants[:grants], rating
	}
	p.moves = p.moves[:first]
	return false
}

func (p *Placer) apply(pick *pick, m move) {
	part := &p.request.Parts[pick.part]
	if m.gpus == 0 {
		p.grant(pick.part, m.offer, part.size())
	}
	for gpus := m.gpus; gpus != 0; gpus &= gpus - 1 {
		p.grant(pick.part, p.wholeOffer(part, gpus.lowest()), part.size())
	}
	p.rating = p.rating.plus(m.rating)
}

func (p *Placer) grant(part, offer int, size Size) {
	p.view.hold(offer, size)
	p.grants = append(p.grants, Grant{Part: part, Offer: offer, Size: size})
}

// findMoves appends the ways to serve a pick, best first; just the best one for
// the last pick, after which nothing else is tried.
func (p *Placer) findMoves(pick *pick, last bool) {
	first := len(p.moves)
	if pick.count > 1 {
		p.findSets(pick, last)
	} else {
		p.findOffers(pick, last)
	}
	if len(p.moves)-first < 2 {
		return
	}
	slices.SortStableFunc(p.moves[first:], func(a, b move) int { return a.rating.Compare(b.rating) })
}

// findSets looks at every set of pick.count free GPUs that the part accepts.
func (p *Placer) findSets(pick *pick, last bool) {
	part := &p.request.Parts[pick.part]
	free := p.view.Free & pick.gpus
	size := free.Len()
	if size < pick.count {
		return
	}
	// Sets are enumerated over the free GPUs only: bit b of a pattern is the b-th of them.
	var bit [topology.MaxGPUs]GPUSet
	for i, rest := 0, free; rest != 0; i, rest = i+1, rest&(rest-1) {
		bit[i] = rest & -rest
	}
	constrained, needy := len(p.request.Alike) > 0, part.Needs != (Needs{})
	best, rating := GPUSet(0), Rating{}
	for pattern := GPUSet(1<<pick.count - 1); pattern < 1<<size; pattern = pattern.nextOfSize() {
		var set GPUSet
		for rest := pattern; rest != 0; rest &= rest - 1 {
			set |= bit[rest.lowest()]
		}
		if needy && !part.Needs.met(&p.view, set) || constrained && !p.alikeSet(pick.part, part, set) {
			continue
		}
		r := p.policy.RateGPUs(&p.view, set)
		if !last {
			p.moves = append(p.moves, move{gpus: set, rating: r})
		} else if best == 0 || r.Better(rating) {
			best, rating = set, r
		}
	}
	if best != 0 {
		p.moves = append(p.moves, move{gpus: best, rating: rating})
	}
}

// findOffers looks at every offer that the part accepts and that fits.
func (p *Placer) findOffers(pick *pick, last bool) {
	part := &p.request.Parts[pick.part]
	size := part.size()
	free := part.Needs == (Needs{}) && len(p.request.Alike) == 0 && len(p.grants) == 0
	best, rating := -1, Rating{}
	for w, word := range part.Accepts {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			offer := &p.view.Offers[i]
			if !p.view.fits(&p.view.State[offer.GPU], offer, size) || !free && !p.allowed(pick.part, part, i) {
				continue
			}
			var r Rating
			if offer.Form == Whole {
				r = p.policy.RateGPUs(&p.view, 1<<offer.GPU)
			} else {
				r = p.policy.RateOffer(&p.view, i, size)
			}
			if !last {
				p.moves = append(p.moves, move{offer: i, rating: r})
			} else if best < 0 || r.Better(rating) {
				best, rating = i, r
			}
		}
	}
	if best >= 0 {
		p.moves = append(p.moves, move{offer: best, rating: rating})
	}
}

// wholeOffer is the offer by which the part takes a GPU as a whole. The GPU is
// one of the pick's, so there is one.
func (p *Placer) wholeOffer(part *Part, gpu int) int {
	for i := part.Accepts.next(0); i >= 0; i = part.Accepts.next(i + 1) {
		if offer := &p.view.Offers[i]; offer.GPU == gpu && offer.Form == Whole {
			return i
		}
	}
	return -1
}

// allowed reports whether the part may have offer i beside the grants made so far.
func (p *Placer) allowed(index int, part *Part, i int) bool {
	offer := &p.view.Offers[i]
	return part.Needs.met(&p.view, 1<<offer.GPU) && (part.Needs.GBps == 0 || offer.Form == Whole) &&
		p.alike(index, i) && !p.granted(index, i)
}

// granted reports whether the part has the offer already: the shares of one part are
// on different GPUs.
func (p *Placer) granted(part, i int) bool {
	for _, grant := range p.grants {
		if grant.Part == part && grant.Offer == i {
			return true
		}
	}
	return false
}

// alike reports whether offer i may go to the part beside the grants made so far.
func (p *Placer) alike(part, i int) bool {
	for c := range p.request.Alike {
		constraint := &p.request.Alike[c]
		if !slices.Contains(constraint.Parts, part) {
			continue
		}
		value := constraint.Values[i]
		if value == NoValue {
			return false
		}
		for _, grant := range p.grants {
			if slices.Contains(constraint.Parts, grant.Part) && (constraint.Values[grant.Offer] == value) == constraint.Distinct {
				return false
			}
		}
	}
	return true
}

// alikeSet is alike for a set of whole GPUs, which must agree among themselves too.
func (p *Placer) alikeSet(index int, part *Part, set GPUSet) bool {
	mark := len(p.grants)
	ok := true
	for ; set != 0 && ok; set &= set - 1 {
		offer := p.wholeOffer(part, set.lowest())
		if ok = p.alike(index, offer); ok {
			p.grants = append(p.grants, Grant{Part: index, Offer: offer})
		}
	}
	p.grants = p.grants[:mark]
	return ok
}
