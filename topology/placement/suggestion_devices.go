package placement

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// suggestOtherProfile finds the MIG profile that fits and is nearest to what the part asks
// for: where that is too small for what is to run there, the smallest that is not; else
// the largest with no more memory. One with as much may fit where the other starts at
// places that are taken, as 3g.40gb does for 4g.40gb. A part that asks for no MIG device
// of this node is left alone: it asked for something else.
func suggestOtherProfile(inv *Inventory, s GPUStates, r *Request, p int, policy Policy) (Suggestion, bool) {
	part := r.Parts[p]
	wanted, tooSmall := topology.Bytes(-1), part.Accepts.Empty()
	for i := range inv.Devices {
		if device := &inv.Devices[i]; device.Form == MIG && part.askedDevices().Has(i) {
			wanted = max(wanted, device.Memory)
		}
	}
	if wanted < 0 {
		return Suggestion{}, false
	}
	var candidates []int
	for i := range inv.Devices {
		device := &inv.Devices[i]
		if device.Form == MIG && (tooSmall || device.Memory <= wanted) && !part.askedDevices().Has(i) && part.canUse(i) &&
			inv.DeviceFits(s, i, ShareSize{}) {
			candidates = append(candidates, i)
		}
	}
	slices.SortStableFunc(candidates, func(a, b int) int {
		if tooSmall {
			a, b = b, a
		}
		return cmp.Compare(inv.Devices[b].Memory, inv.Devices[a].Memory)
	})
	// The nearest may be too few for a part that asks for several.
	for at, i := range candidates {
		device := &inv.Devices[i]
		if slices.ContainsFunc(candidates[:at], func(earlier int) bool { return inv.Devices[earlier].Profile == device.Profile }) {
			continue
		}
		part.Accepts = NewDeviceSet(len(inv.Devices))
		for o := range inv.Devices {
			if inv.Devices[o].Form == MIG && inv.Devices[o].Profile == device.Profile && part.canUse(o) {
				part.Accepts.Add(o)
			}
		}
		if Place(inv, s, withPart(r, p, part), policy).Outcome == Fits {
			return Suggestion{Kind: OtherProfile, Part: p, Device: i, Bytes: device.Memory, Wanted: wanted}, true
		}
	}
	return Suggestion{}, false
}

// suggestWholeGPU takes whole GPUs where the slices or shares that the part asks for are
// all too small for what is to run there.
func suggestWholeGPU(inv *Inventory, s GPUStates, r *Request, p int, policy Policy) (Suggestion, bool) {
	part := r.Parts[p]
	if !part.Accepts.Empty() || part.askedDevices().Empty() {
		return Suggestion{}, false
	}
	part.Accepts = NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		if inv.Devices[i].Form == Whole {
			if part.askedDevices().Has(i) {
				return Suggestion{}, false
			}
			if part.canUse(i) {
				part.Accepts.Add(i)
			}
		}
	}
	gpus, fits := gpusOfPart(inv, s, r, p, part, policy)
	return Suggestion{Kind: WholeGPU, Part: p, GPUs: gpus}, fits
}

// gpusOfPart is what a part would get if it were another one, if the request then fits.
func gpusOfPart(inv *Inventory, s GPUStates, r *Request, p int, part Part, policy Policy) (gpus GPUSet, fits bool) {
	if part.Accepts.Empty() {
		return 0, false
	}
	verdict := Place(inv, s, withPart(r, p, part), policy)
	for _, grant := range verdict.Devices {
		if grant.Part == p {
			gpus |= 1 << inv.Devices[grant.Device].GPU
		}
	}
	return gpus, verdict.Outcome == Fits
}

// suggestOtherModel accepts GPUs of the node that the part refuses, in the forms that it
// asks for. A part that asks for nothing here is left alone: what it wants cannot be told.
func suggestOtherModel(inv *Inventory, s GPUStates, r *Request, p int, policy Policy) (Suggestion, bool) {
	part := r.Parts[p]
	var forms [Share + 1]bool
	var asked GPUSet
	for i := part.askedDevices().nextDevice(0); i >= 0; i = part.askedDevices().nextDevice(i + 1) {
		forms[inv.Devices[i].Form] = true
		asked |= 1 << inv.Devices[i].GPU
	}
	if asked == inv.AllGPUs() {
		return Suggestion{}, false
	}
	// Profiles of another model are other profiles: only whole GPUs and shares compare.
	part.Accepts = NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		if form := inv.Devices[i].Form; form != MIG && forms[form] && part.canUse(i) {
			part.Accepts.Add(i)
		}
	}
	gpus, fits := gpusOfPart(inv, s, r, p, part, policy)
	return Suggestion{Kind: OtherModel, Part: p, GPUs: gpus}, fits
}
