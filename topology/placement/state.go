package placement

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GPUState is what is held of one GPU. The zero value is a free GPU.
type GPUState struct {
	// Whole says that one holder has all of it.
	Whole bool
	// MIG is held by MIG instances.
	MIG mig.Occupancy
	// Shared and Compute are held by shares, Sharers is their number.
	Shared  topology.Bytes
	Compute topology.MilliGPU
	Sharers int64
}

// Free reports whether nobody holds any of the GPU.
func (g GPUState) Free() bool { return g == GPUState{} }

// State is what is held of a node: one entry for each of its GPUs.
type State []GPUState

// NewState returns the state of a node that nobody uses.
func NewState(inv *Inventory) State { return make(State, len(inv.Node.GPUs)) }

// FreeGPUs is the set of GPUs that nobody holds any of.
func (s State) FreeGPUs() GPUSet {
	var set GPUSet
	for i := range s {
		if s[i].Free() {
			set |= 1 << i
		}
	}
	return set
}

// Fits reports whether offer i can be taken now; size is that of a share, and ignored
// for other forms.
func (inv *Inventory) Fits(s State, i int, size Size) bool {
	return inv.fits(&s[inv.Offers[i].GPU], &inv.Offers[i], size)
}

func (inv *Inventory) fits(gpu *GPUState, offer *Offer, size Size) bool {
	switch offer.Form {
	case Whole:
		return gpu.Free()
	case MIG:
		return !gpu.Whole && gpu.Sharers == 0 &&
			gpu.MIG.Slices&offer.slices == 0 &&
			(!offer.scarce || gpu.MIG.Media.Plus(offer.Media).Within(inv.opens[offer.GPU].all))
	case Share:
		return !gpu.Whole && gpu.MIG.Slices == 0 && shareSize(offer, size) <= offer.Memory-gpu.Shared &&
			size.Compute <= topology.WholeGPU-gpu.Compute && (gpu.Sharers == 0 || gpu.Shared < offer.Memory)
	}
	return false
}

// shareSize is the memory that a share takes.
func shareSize(offer *Offer, size Size) topology.Bytes {
	if size.Bytes == 0 {
		return offer.Memory
	}
	return size.Bytes
}

// Take records that offer i is held. It is an error, and changes nothing, if the
// offer does not fit.
func (inv *Inventory) Take(s State, i int, size Size) error {
	if !inv.Fits(s, i, size) {
		offer := inv.Offers[i]
		return fmt.Errorf("%s of GPU %d is not free", offer.Form, offer.GPU)
	}
	inv.Hold(s, i, size)
	return nil
}

// Hold records that offer i is held, whether or not it fits: for what others have
// allocated already.
func (inv *Inventory) Hold(s State, i int, size Size) {
	offer := &inv.Offers[i]
	s[offer.GPU] = with(s[offer.GPU], offer, size)
}

// with is the state of a GPU once offer is held too.
func with(gpu GPUState, offer *Offer, size Size) GPUState {
	switch offer.Form {
	case Whole:
		gpu.Whole = true
	case MIG:
		gpu.MIG.Slices |= offer.slices
		gpu.MIG.Media = gpu.MIG.Media.Plus(offer.Media)
	case Share:
		gpu.Shared += shareSize(offer, size)
		gpu.Compute += size.Compute
		gpu.Sharers++
	}
	return gpu
}

// Release undoes Take with the same arguments.
func (inv *Inventory) Release(s State, i int, size Size) {
	offer := &inv.Offers[i]
	gpu := &s[offer.GPU]
	switch offer.Form {
	case Whole:
		gpu.Whole = false
	case MIG:
		gpu.MIG.Slices &^= offer.slices
		gpu.MIG.Media = gpu.MIG.Media.Minus(offer.Media)
	case Share:
		gpu.Shared -= shareSize(offer, size)
		gpu.Compute -= size.Compute
		gpu.Sharers--
	}
}
