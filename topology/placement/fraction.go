package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// Rounding says which way a part of a GPU becomes thousandths.
type Rounding uint8

const (
	// RoundDown is for books of what is held: the parts of a GPU never add up to more
	// than the GPU.
	RoundDown Rounding = iota
	// RoundUp is for what a pod needs: it is never taken to fit where it does not. What
	// is less than a millionth of the GPU above a thousandth is not counted.
	RoundUp
)

// Fraction is how much of its GPU an allocation takes: all of it for a whole GPU; its
// part of the memory slices for a MIG instance; for a share the larger of its parts of
// the memory and of the compute, since beyond either nobody else can use the GPU.
//
// The rounding is stated by who asks, since a share is seldom a multiple of a
// thousandth: bytes that thousandths became are rounded down, and only RoundUp gives
// the thousandths back.
func (inv *Inventory) Fraction(a DeviceAllocation, rounding Rounding) topology.MilliGPU {
	device := &inv.Devices[a.Device]
	switch device.Form {
	case MIG:
		return thousandthsOf(device.Placement.Size, inv.MemorySlices(device.GPU), rounding)
	case Share:
		return max(thousandthsOf(int64(a.Bytes), int64(device.Memory), rounding), a.Compute)
	}
	return topology.WholeGPU
}

// FractionLeft is how much of a GPU nobody holds: of its memory if it is shared, of its
// memory slices if it is split. rounding is that of what is held.
func (inv *Inventory) FractionLeft(gpu int, state *GPUState, rounding Rounding) topology.MilliGPU {
	switch {
	case state.Free():
		return topology.WholeGPU
	case state.Whole:
		return 0
	case state.Sharers > 0:
		return topology.WholeGPU - thousandthsOf(int64(state.Shared), int64(inv.Node.GPUs[gpu].Model.Usable()), rounding)
	}
	held := int64(bits.OnesCount16(uint16(state.MIG.Slices)))
	return topology.WholeGPU - thousandthsOf(held, inv.MemorySlices(gpu), rounding)
}

// MemorySlices is how many memory slices MIG divides a GPU into, 0 for one that hands
// out no MIG instances.
func (inv *Inventory) MemorySlices(gpu int) int64 {
	if inv.flexibility[gpu] == nil {
		return 0
	}
	return int64(inv.flexibility[gpu].slices)
}

// thousandthsOf is the thousandths that part is of all. A part that is not stated is
// all.
func thousandthsOf(part, all int64, rounding Rounding) topology.MilliGPU {
	if part <= 0 || all <= 0 || part >= all {
		return topology.WholeGPU
	}
	// With part < all the quotient is less than a million, and fits.
	high, low := bits.Mul64(uint64(part), 1_000_000)
	millionths, _ := bits.Div64(high, low, uint64(all))
	if rounding == RoundUp {
		return topology.MilliGPU(max(1, (millionths+999)/1000))
	}
	return topology.MilliGPU(millionths / 1000)
}
