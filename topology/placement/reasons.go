package placement

// findReasons fills in why the request, which was refused, cannot be served: one
// reason for each part that fails on its own, or one for all together.
func (p *Placer) findReasons() {
	p.reasons = p.reasons[:0]
	for i := range p.request.Parts {
		if reason, failed := p.reasonOf(i); failed {
			p.reasons = append(p.reasons, reason)
		}
	}
	if len(p.reasons) > 0 {
		return
	}
	code := Together
	if len(p.request.Parts) == 1 || len(p.request.Constraints) > 0 {
		code = Unlike
		if free := p.request.withoutDraws(); free != nil && Place(p.view.Inventory, p.view.GPUs, free, p.policy).Outcome == Fits {
			code = Unsupplied
		}
	}
	p.reasons = append(p.reasons, p.blameConstraint(Reason{Code: code, Part: -1, Constraint: -1}))
}

// blameConstraint names the first constraint that what is free cannot satisfy, whatever
// else is asked.
func (p *Placer) blameConstraint(reason Reason) Reason {
	if reason.Code != Unlike {
		return reason
	}
	for c := range p.request.Constraints {
		constraint := &p.request.Constraints[c]
		var want int64
		for _, part := range constraint.Parts {
			want += int64(p.request.Parts[part].Count)
		}
		if have := p.mostAlike(constraint); have < want {
			reason.Constraint, reason.Want, reason.Have = c, want, have
			return reason
		}
	}
	return reason
}

// mostAlike is how many free devices that the constraint's parts accept have one value,
// for the value that the most have; or how many values there are, if they must differ.
// Slices of one GPU are all counted, although they may not fit beside one another.
func (p *Placer) mostAlike(constraint *Constraint) int64 {
	counts := map[int64]int64{}
	for i := range p.view.Devices {
		value := constraint.Values[i]
		if value == NoValue {
			continue
		}
		for _, at := range constraint.Parts {
			part := &p.request.Parts[at]
			device := &p.view.Devices[i]
			if part.Accepts.Has(i) && p.view.fitsGPU(&p.view.GPUs[device.GPU], device, part.shareSize()) {
				counts[value]++
				break
			}
		}
	}
	if constraint.Distinct {
		return int64(len(counts))
	}
	most := int64(0)
	for _, count := range counts {
		most = max(most, count)
	}
	return most
}

// reasonOf says why a part cannot be served even alone and without constraints;
// false if it can. It counts what is left instead of searching: a part of several
// slices may pass here although they do not fit beside one another.
func (p *Placer) reasonOf(index int) (Reason, bool) {
	part := &p.request.Parts[index]
	reason := Reason{Code: NoMatch, Part: index, Want: int64(part.Count)}
	if part.Accepts.Empty() {
		return reason, true
	}
	form := Share
	var left, most, wanted int64 // of shares
	var whole, all GPUSet        // GPUs of which a device is open; of which one is accepted
	var open int64               // devices that are open
	for i := part.Accepts.nextDevice(0); i >= 0; i = part.Accepts.nextDevice(i + 1) {
		device := &p.view.Devices[i]
		form = min(form, device.Form)
		state := &p.view.GPUs[device.GPU]
		fits := p.view.fitsGPU(state, device, part.shareSize())
		all |= 1 << device.GPU
		if device.Form == Share {
			most = max(most, int64(device.Memory))
			wanted = max(wanted, int64(shareMemory(device, part.shareSize())))
			if !state.Whole && state.MIG.Slices == 0 {
				left = max(left, int64(device.Memory-state.Shared))
			}
		}
		if fits {
			open++
			whole |= 1 << device.GPU
		}
	}
	if open >= reason.Want {
		return Reason{}, false
	}
	switch form {
	case Share:
		reason.Code, reason.Want, reason.Have = MemoryShort, wanted, left
		reason.Total = most
	case MIG:
		reason.Code, reason.Have = SlicesTaken, open
	default:
		reason.Code, reason.Have = GPUsBusy, int64(whole.Len())
		reason.Total = int64(all.Len())
	}
	return reason, true
}
