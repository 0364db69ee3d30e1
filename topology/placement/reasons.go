package placement

// reasons says why a request that was refused cannot be served in state s.
func reasons(inv *Inventory, s State, r *Request) []Reason {
	var all []Reason
	for p := range r.Parts {
		if reason, failed := reasonOf(inv, s, r, p); failed {
			all = append(all, reason)
		}
	}
	if len(all) == 0 {
		code := Together
		if len(r.Parts) == 1 || len(r.Alike) > 0 {
			code = Unlike
		}
		all = append(all, Reason{Code: code, Part: -1})
	}
	return all
}

// reasonOf says why a part cannot be served even alone and without constraints;
// false if it can.
func reasonOf(inv *Inventory, s State, r *Request, p int) (Reason, bool) {
	part := &r.Parts[p]
	if part.Accepts.Empty() {
		return Reason{Code: NoMatch, Part: p, Want: int64(part.Count)}, true
	}
	alone := search{inv: inv, state: append(State(nil), s...), request: &Request{Parts: []Part{*part}}, policy: FirstFit{}}
	alone.picks = picksOf(inv, alone.request)
	if alone.solve(0) {
		return Reason{}, false
	}
	reason := Reason{Part: p, Want: int64(part.Count)}
	var gpus, open GPUSet
	var sharable, left int64
	form := Share
	for i := range inv.Offers {
		offer := &inv.Offers[i]
		if !part.Accepts.Has(i) {
			continue
		}
		form = min(form, offer.Form)
		gpus |= 1 << offer.GPU
		switch state := s[offer.GPU]; {
		case offer.Form == Share && !state.Whole && state.MIG.Slices == 0:
			left = max(left, int64(offer.Memory-state.Shared))
			sharable = max(sharable, int64(shareSize(offer, part.Bytes)))
		case inv.Fits(s, i, part.Bytes):
			open |= 1 << offer.GPU
			if offer.Form == MIG {
				reason.Have++
			}
		}
	}
	switch form {
	case Share:
		reason.Code, reason.Want, reason.Have = MemoryShort, max(sharable, int64(part.Bytes)), left
	case MIG:
		reason.Code = SlicesTaken
	default:
		reason.Code, reason.Have = GPUsBusy, int64(open.Len())
	}
	return reason, true
}
