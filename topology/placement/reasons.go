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
	p.reasons = append(p.reasons, Reason{Code: code, Part: -1})
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
	var left, wanted int64 // of shares
	var whole GPUSet       // GPUs of which a device is open
	var open int64         // devices that are open
	for i := part.Accepts.nextDevice(0); i >= 0; i = part.Accepts.nextDevice(i + 1) {
		device := &p.view.Devices[i]
		form = min(form, device.Form)
		state := &p.view.GPUs[device.GPU]
		fits := p.view.fitsGPU(state, device, part.shareSize())
		if device.Form == Share {
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
	case MIG:
		reason.Code, reason.Have = SlicesTaken, open
	default:
		reason.Code, reason.Have = GPUsBusy, int64(whole.Len())
	}
	return reason, true
}
