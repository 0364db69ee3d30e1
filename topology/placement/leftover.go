package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// Leftover is what nobody holds of a GPU, in MiB. Memory slices count in
// proportion, whatever could still be placed on them.
func (v *View) Leftover(gpu int) int64 {
	state := &v.State[gpu]
	all := v.memory[gpu]
	switch {
	case state.Whole:
		return 0
	case state.MIG.Slices != 0:
		total := v.opens[gpu].slices
		return all * int64(total-bits.OnesCount16(uint16(state.MIG.Slices))) / int64(total)
	case state.Sharers > 0:
		return all - int64(state.Shared/topology.MiB)
	}
	return all
}

// taking is the part of a GPU's memory, in MiB, that an offer takes.
func (v *View) taking(offer *Offer, size Size) int64 {
	switch offer.Form {
	case MIG:
		return v.memory[offer.GPU] * offer.Placement.Size / int64(v.opens[offer.GPU].slices)
	case Share:
		return int64(shareSize(offer, size) / topology.MiB)
	}
	return v.memory[offer.GPU]
}

// memoryOf is the memory of a set of GPUs, in MiB.
func (v *View) memoryOf(gpus GPUSet) int64 {
	sum := int64(0)
	for ; gpus != 0; gpus &= gpus - 1 {
		sum += v.memory[gpus.lowest()]
	}
	return sum
}

// leftover is what nobody holds of the whole node, in MiB.
func (v *View) leftover() int64 {
	sum := int64(0)
	for gpu := range v.State {
		sum += v.Leftover(gpu)
	}
	return sum
}
