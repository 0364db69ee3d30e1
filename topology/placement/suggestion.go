package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// SuggestionKind is the kind of a change, stable for machines to read.
type SuggestionKind string

// The kinds, from the smallest change to the largest.
const (
	SmallerShare SuggestionKind = "SmallerShare" // ask for less memory
	OtherProfile SuggestionKind = "OtherProfile" // ask for another MIG profile
	WholeGPU     SuggestionKind = "WholeGPU"     // ask for a whole GPU in place of a slice or a share
	Reslice      SuggestionKind = "Reslice"      // move the MIG instances of a GPU to other placements on it
	OtherModel   SuggestionKind = "OtherModel"   // accept the node's other GPUs
	FewerGPUs    SuggestionKind = "FewerGPUs"    // ask for fewer GPUs
	FreeGPUs     SuggestionKind = "FreeGPUs"     // wait until GPUs are free, or move what runs there
)

// SuggestionKinds lists the kinds in that order.
var SuggestionKinds = []SuggestionKind{SmallerShare, OtherProfile, WholeGPU, Reslice, OtherModel, FewerGPUs, FreeGPUs}

// Suggestion is a change after which a refused request fits. It has been tried: the
// changed request, or the changed state, was placed.
type Suggestion struct {
	Kind SuggestionKind
	// Part is the part to change, as an index into Request.Parts; -1 with Reslice and
	// FreeGPUs, which leave the request as it is.
	Part int
	// Count is the number of devices that would fit, with FewerGPUs, and Form what they are.
	Count int
	Form  Form
	// Bytes is the share that would fit, with SmallerShare; or the memory of the profile
	// that would, with OtherProfile, and Wanted that of the largest one asked for.
	Bytes, Wanted topology.Bytes
	// Device is the MIG device that would fit, with OtherProfile.
	Device int
	// GPUs would have to be free, with FreeGPUs; are re-sliced, with Reslice; or are
	// what the part would get, with OtherModel and WholeGPU.
	GPUs GPUSet
	// Holders have something of those GPUs, with FreeGPUs and Reslice.
	Holders []HolderID
}

// maxFreed is the most GPUs that a suggestion asks to be freed, and maxTried the most
// sets of them that are tried.
const (
	maxFreed = 8
	maxTried = 512
)

// SuggestChanges lists changes after which a request that was refused in a state fits, at
// most one of each kind and part, the smallest change first. An empty list means that
// the node can never serve the request.
//
// Complexity: a handful of placements, plus one for each set of busy GPUs up to
// the smallest that helps.
func SuggestChanges(state *NodeState, r *Request, policy Policy) []Suggestion {
	inv, s := state.inventory, state.gpus
	var changes []Suggestion
	for p := range r.Parts {
		for _, suggest := range []func(*Inventory, GPUStates, *Request, int, Policy) (Suggestion, bool){
			suggestSmallerShare, suggestOtherProfile, suggestWholeGPU, suggestOtherModel, suggestFewerGPUs,
		} {
			if change, found := suggest(inv, s, r, p, policy); found {
				changes = append(changes, change)
			}
		}
	}
	if change, found := suggestReslice(state, r, policy); found {
		changes = append(changes, change)
	}
	if change, found := suggestFreeGPUs(inv, s, r, policy); found {
		change.Holders = state.HoldersOf(change.GPUs)
		changes = append(changes, change)
	}
	slices.SortStableFunc(changes, func(a, b Suggestion) int {
		return slices.Index(SuggestionKinds, a.Kind) - slices.Index(SuggestionKinds, b.Kind)
	})
	return changes
}

// withPart is r with one part replaced.
func withPart(r *Request, p int, part Part) *Request {
	changed := &Request{Parts: slices.Clone(r.Parts), Constraints: r.Constraints, Supplies: r.Supplies}
	changed.Parts[p] = part
	return changed
}

// suggestSmallerShare finds the largest share that fits, in whole MiB.
func suggestSmallerShare(inv *Inventory, s GPUStates, r *Request, p int, policy Policy) (Suggestion, bool) {
	part := r.Parts[p]
	var left topology.Bytes
	for i := range inv.Devices {
		device := &inv.Devices[i]
		state := s[device.GPU]
		if device.Form == Share && part.Accepts.Has(i) && !state.Whole && state.MIG.Slices == 0 {
			left = max(left, device.Memory-state.Shared)
		}
	}
	part.Bytes = left / topology.MiB * topology.MiB
	if part.Bytes == 0 || Place(inv, s, withPart(r, p, part), policy).Outcome != Fits {
		return Suggestion{}, false
	}
	return Suggestion{Kind: SmallerShare, Part: p, Bytes: part.Bytes}, true
}

// suggestReslice finds a GPU on which the request fits once the instances there have moved
// to other placements of the same profiles.
func suggestReslice(state *NodeState, r *Request, policy Policy) (Suggestion, bool) {
	inv, s := state.inventory, state.gpus
	for gpu := range s {
		if s[gpu].MIG.Slices == 0 {
			continue
		}
		after := slices.Clone(s)
		again := &Request{Parts: slices.Clone(r.Parts), Constraints: r.Constraints, Supplies: r.Supplies}
		for i := range state.allocations {
			if state.allocations[i].Pinned {
				continue // stays where it is
			}
			for _, held := range state.allocations[i].Devices {
				device := &inv.Devices[held.Device]
				if device.GPU != gpu || device.Form != MIG {
					continue
				}
				inv.ReleaseDevice(after, held.Device, held.ShareSize)
				again.Parts = append(again.Parts, Part{Count: 1, Accepts: inv.SelectDevices(func(o *Device) bool {
					return o.Form == MIG && o.GPU == gpu && o.Profile == device.Profile
				})})
			}
		}
		if len(again.Parts) > len(r.Parts) && Place(inv, after, again, policy).Outcome == Fits {
			return Suggestion{Kind: Reslice, Part: -1, GPUs: 1 << gpu, Holders: state.HoldersOf(1 << gpu)}, true
		}
	}
	return Suggestion{}, false
}

// suggestFewerGPUs finds the largest smaller count that fits.
func suggestFewerGPUs(inv *Inventory, s GPUStates, r *Request, p int, policy Policy) (Suggestion, bool) {
	part := r.Parts[p]
	for part.Count--; part.Count > 0; part.Count-- {
		if Place(inv, s, withPart(r, p, part), policy).Outcome == Fits {
			return Suggestion{Kind: FewerGPUs, Part: p, Count: part.Count, Form: inv.mainForm(part.Accepts)}, true
		}
	}
	return Suggestion{}, false
}

// mainForm is the least flexible form among devices.
func (inv *Inventory) mainForm(devices DeviceSet) Form {
	form := Share
	for i := devices.nextDevice(0); i >= 0; i = devices.nextDevice(i + 1) {
		form = min(form, inv.Devices[i].Form)
	}
	return form
}

// suggestFreeGPUs finds the smallest set of busy GPUs without whose holders the request
// fits.
func suggestFreeGPUs(inv *Inventory, s GPUStates, r *Request, policy Policy) (Suggestion, bool) {
	var busy []int
	for gpu := range s {
		if !s[gpu].Free() {
			busy = append(busy, gpu)
		}
	}
	var placer Placer
	tried := 0
	for count := 1; count <= min(len(busy), maxFreed); count++ {
		for pattern := GPUSet(1<<count - 1); pattern < 1<<len(busy); pattern = pattern.nextOfSize() {
			// A search that is cut short once will be again: one that long is enough.
			if tried++; tried > maxTried || placer.steps > maxSteps {
				return Suggestion{}, false
			}
			after := slices.Clone(s)
			var freed GPUSet
			for rest := pattern; rest != 0; rest &= rest - 1 {
				gpu := busy[rest.lowestGPU()]
				after[gpu] = GPUState{}
				freed |= 1 << gpu
			}
			if placer.Place(inv, after, r, policy).Outcome == Fits {
				return Suggestion{Kind: FreeGPUs, Part: -1, GPUs: freed}, true
			}
		}
	}
	return Suggestion{}, false
}
