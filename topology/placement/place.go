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
func Place(inv *Inventory, s GPUStates, r *Request, policy Policy) Verdict {
	var placer Placer
	return placer.Place(inv, s, r, policy)
}

// Placer places requests and reuses its memory: after a few calls it allocates
// nothing. It belongs to one goroutine at a time.
type Placer struct {
	view        View
	request     *Request
	policy      Policy
	searchSteps []searchStep
	moves       []searchMove // of all steps, one after the other
	devices     []DeviceAllocation
	reasons     []Reason
	rating      Rating
	steps       int
}

// Place decides what each part of the request gets. The verdict's lists are valid
// until the next call.
//
// A part that only accepts whole GPUs is served by the best of all sets of its
// size; other parts are served one device after the other. Parts are tried from
// the least to the most flexible with backtracking, so that a request that fits
// is found unless the search is cut short, which the verdict then says. The
// rating is the best there is for one part that is one set or one device; beyond
// that each step is the best given the steps before.
//
// Complexity: C(n, k) sets for k of n GPUs; the accepted devices for each slice or
// share; exponential in the number of parts only when they contend.
func (p *Placer) Place(inv *Inventory, s GPUStates, r *Request, policy Policy) Verdict {
	p.beginRequest(inv, s, r, policy)
	p.findSteps()
	if p.solveFrom(0) {
		slices.SortStableFunc(p.devices, func(a, b DeviceAllocation) int { return a.Part - b.Part })
		return Verdict{Outcome: Fits, Devices: p.devices, Rating: p.rating}
	}
	if p.steps > maxSteps {
		p.reasons = append(p.reasons[:0], Reason{Code: Unresolved, Part: -1})
		return Verdict{Outcome: Undecided, Reasons: p.reasons}
	}
	p.findReasons()
	return Verdict{Outcome: Refused, Reasons: p.reasons}
}

func (p *Placer) beginRequest(inv *Inventory, s GPUStates, r *Request, policy Policy) {
	p.view = View{Inventory: inv, GPUs: append(p.view.GPUs[:0], s...), Free: s.FreeGPUs()}
	p.request, p.policy = r, policy
	p.moves, p.devices = p.moves[:0], p.devices[:0]
	p.rating, p.steps = Rating{}, 0
}

// searchStep is one step of the search: a set of whole GPUs, or a single device.
type searchStep struct {
	part int
	// count is more than 1 only for a set of whole GPUs.
	count int
	// gpus are those of the accepted devices.
	gpus GPUSet
	// form and memory are the most flexible form and the smallest device accepted.
	form   Form
	memory topology.Bytes
}

// findSteps breaks the parts into picks, the least flexible first: large sets of
// whole GPUs, then single GPUs, large slices, small slices, shares.
func (p *Placer) findSteps() {
	p.searchSteps = p.searchSteps[:0]
	if len(p.request.Parts) == 1 && p.request.Parts[0].Count == 1 {
		p.searchSteps = append(p.searchSteps, searchStep{count: 1}) // nothing to put in order
		return
	}
	for i := range p.request.Parts {
		part := &p.request.Parts[i]
		candidate := searchStep{part: i, count: 1, form: Whole}
		for o := part.Accepts.nextDevice(0); o >= 0; o = part.Accepts.nextDevice(o + 1) {
			device := &p.view.Devices[o]
			candidate.form = max(candidate.form, device.Form)
			if candidate.memory == 0 || device.Memory < candidate.memory {
				candidate.memory = device.Memory
			}
			candidate.gpus |= 1 << device.GPU
		}
		repeat := part.Count
		if candidate.form == Whole {
			candidate.count, repeat = part.Count, min(1, part.Count)
		}
		for range repeat {
			p.searchSteps = append(p.searchSteps, candidate)
		}
	}
	if len(p.searchSteps) < 2 {
		return
	}
	slices.SortStableFunc(p.searchSteps, func(a, b searchStep) int {
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

// searchMove is one way to serve a pick.
type searchMove struct {
	gpus   GPUSet // a set of whole GPUs, or
	device int    // a single device
	rating Rating
}

func (p *Placer) solveFrom(step int) bool {
	if step == len(p.searchSteps) {
		return true
	}
	first := len(p.moves)
	p.findMoves(&p.searchSteps[step], step == len(p.searchSteps)-1)
	end := len(p.moves)
	for at := first; at < end; at++ {
		if p.steps++; p.steps > maxSteps {
			break
		}
		grants, rating := len(p.devices), p.rating
		p.applyMove(&p.searchSteps[step], p.moves[at])
		if p.solveFrom(step + 1) {
			return true
		}
		for _, grant := range p.devices[grants:] {
			p.view.releaseDevice(grant.Device, grant.ShareSize)
		}
		p.devices, p.rating = p.devices[:grants], rating
	}
	p.moves = p.moves[:first]
	return false
}

func (p *Placer) applyMove(pick *searchStep, m searchMove) {
	part := &p.request.Parts[pick.part]
	if m.gpus == 0 {
		p.allocateDevice(pick.part, m.device, part.shareSize())
	}
	for gpus := m.gpus; gpus != 0; gpus &= gpus - 1 {
		p.allocateDevice(pick.part, p.wholeDevice(part, gpus.lowestGPU()), part.shareSize())
	}
	p.rating = p.rating.addRating(m.rating)
}

func (p *Placer) allocateDevice(part, device int, size ShareSize) {
	p.view.holdDevice(device, size)
	p.devices = append(p.devices, DeviceAllocation{Part: part, Device: device, ShareSize: size})
}

// findMoves appends the ways to serve a pick, best first; just the best one for
// the last pick, after which nothing else is tried.
func (p *Placer) findMoves(pick *searchStep, last bool) {
	first := len(p.moves)
	if pick.count > 1 {
		p.findSets(pick, last)
	} else {
		p.findDevices(pick, last)
	}
	if len(p.moves)-first < 2 {
		return
	}
	slices.SortStableFunc(p.moves[first:], func(a, b searchMove) int { return a.rating.Compare(b.rating) })
}

// findSets looks at every set of pick.count free GPUs that the part accepts.
func (p *Placer) findSets(pick *searchStep, last bool) {
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
	constrained, needy := len(p.request.Constraints) > 0, part.Needs != (TopologyRequirements{})
	best, rating := GPUSet(0), Rating{}
	for pattern := GPUSet(1<<pick.count - 1); pattern < 1<<size; pattern = pattern.nextOfSize() {
		var set GPUSet
		for rest := pattern; rest != 0; rest &= rest - 1 {
			set |= bit[rest.lowestGPU()]
		}
		if needy && !part.Needs.metBy(&p.view, set) || constrained && !p.setSatisfiesConstraints(pick.part, part, set) {
			continue
		}
		r := p.policy.RateGPUs(&p.view, set)
		if !last {
			p.moves = append(p.moves, searchMove{gpus: set, rating: r})
		} else if best == 0 || r.Better(rating) {
			best, rating = set, r
		}
	}
	if best != 0 {
		p.moves = append(p.moves, searchMove{gpus: best, rating: rating})
	}
}

// findDevices looks at every device that the part accepts and that fits.
func (p *Placer) findDevices(pick *searchStep, last bool) {
	part := &p.request.Parts[pick.part]
	size := part.shareSize()
	free := part.Needs == (TopologyRequirements{}) && len(p.request.Constraints) == 0 && len(p.devices) == 0
	best, rating := -1, Rating{}
	for w, word := range part.Accepts {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			device := &p.view.Devices[i]
			if !p.view.fitsGPU(&p.view.GPUs[device.GPU], device, size) || !free && !p.allowsDevice(pick.part, part, i) {
				continue
			}
			var r Rating
			if device.Form == Whole {
				r = p.policy.RateGPUs(&p.view, 1<<device.GPU)
			} else {
				r = p.policy.RateDevice(&p.view, i, size)
			}
			if !last {
				p.moves = append(p.moves, searchMove{device: i, rating: r})
			} else if best < 0 || r.Better(rating) {
				best, rating = i, r
			}
		}
	}
	if best >= 0 {
		p.moves = append(p.moves, searchMove{device: best, rating: rating})
	}
}

// wholeDevice is the device by which the part takes a GPU as a whole. The GPU is
// one of the pick's, so there is one.
func (p *Placer) wholeDevice(part *Part, gpu int) int {
	for i := part.Accepts.nextDevice(0); i >= 0; i = part.Accepts.nextDevice(i + 1) {
		if device := &p.view.Devices[i]; device.GPU == gpu && device.Form == Whole {
			return i
		}
	}
	return -1
}

// allowsDevice reports whether the part may have device i beside the devices given so far.
func (p *Placer) allowsDevice(index int, part *Part, i int) bool {
	device := &p.view.Devices[i]
	return part.Needs.metBy(&p.view, 1<<device.GPU) && (part.Needs.GBps == 0 || device.Form == Whole) &&
		p.satisfiesConstraints(index, i) && !p.hasDevice(index, i)
}

// hasDevice reports whether the part has the device already: the shares of one part are
// on different GPUs.
func (p *Placer) hasDevice(part, i int) bool {
	for _, grant := range p.devices {
		if grant.Part == part && grant.Device == i {
			return true
		}
	}
	return false
}

// satisfiesConstraints reports whether device i may go to the part beside the devices given so far.
func (p *Placer) satisfiesConstraints(part, i int) bool {
	for c := range p.request.Constraints {
		constraint := &p.request.Constraints[c]
		if !slices.Contains(constraint.Parts, part) {
			continue
		}
		value := constraint.Values[i]
		if value == NoValue {
			return false
		}
		for _, grant := range p.devices {
			if slices.Contains(constraint.Parts, grant.Part) && (constraint.Values[grant.Device] == value) == constraint.Distinct {
				return false
			}
		}
		if len(constraint.Draws) > 0 && !p.suppliesLast(c, value) {
			return false
		}
	}
	return true
}

// suppliesLast reports whether what a constraint draws at a value is there beside what
// other constraints draw at the same.
func (p *Placer) suppliesLast(c int, value int64) bool {
	for _, draw := range p.request.Constraints[c].Draws {
		supply := p.request.Supplies[draw.Supply]
		if value >= int64(len(supply)) {
			return false
		}
		left := supply[value]
		for other := range p.request.Constraints {
			if other == c || p.hasValue(other, value) {
				left -= p.request.Constraints[other].drawsOn(draw.Supply)
			}
		}
		if left < 0 {
			return false
		}
	}
	return true
}

// hasValue reports whether a device that was given so far has fixed the constraint to the
// value.
func (p *Placer) hasValue(c int, value int64) bool {
	constraint := &p.request.Constraints[c]
	return len(constraint.Draws) > 0 && slices.ContainsFunc(p.devices, func(given DeviceAllocation) bool {
		return constraint.Values[given.Device] == value && slices.Contains(constraint.Parts, given.Part)
	})
}

// setSatisfiesConstraints is alike for a set of whole GPUs, which must agree among themselves too.
func (p *Placer) setSatisfiesConstraints(index int, part *Part, set GPUSet) bool {
	mark := len(p.devices)
	ok := true
	for ; set != 0 && ok; set &= set - 1 {
		device := p.wholeDevice(part, set.lowestGPU())
		if ok = p.satisfiesConstraints(index, device); ok {
			p.devices = append(p.devices, DeviceAllocation{Part: index, Device: device})
		}
	}
	p.devices = p.devices[:mark]
	return ok
}
