package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// KeepPlaceable is the default policy. A job on several GPUs gets the fastest
// set; beyond that, every choice is made to keep the most placeable for requests
// to come. What is placeable is valued in MiB:
//
//   - free GPUs by their memory and by the pairs and quads that their links can
//     still serve (linkTable.worth);
//   - a GPU split by MIG by the share of its placements that are still open,
//     after "least lost flexibility": it puts 1g at the top end and 3g at slice 4;
//   - a shared GPU by the square of its free memory, so that shares gather on the
//     fullest GPU that has room.
//
// A GPU that is in use already is worth at most half of a free one, so that new
// slices and shares join existing ones before they break up a free GPU.
//
// Complexity: constant per set of GPUs, the number of the GPU's MIG offers per
// MIG offer.
type KeepPlaceable struct{}

// Name implements Policy.
func (KeepPlaceable) Name() string { return "keep-placeable" }

// RateGPUs implements Policy.
func (KeepPlaceable) RateGPUs(inv *Inventory, s State, gpus GPUSet) Rating {
	free := s.FreeGPUs()
	return Rating{
		Bandwidth: inv.links.ring[gpus],
		Loss:      inv.links.worth[free] - inv.links.worth[free&^gpus],
		NUMANodes: int64(bits.OnesCount32(inv.numaNodes(gpus))),
	}
}

// RateOffer implements Policy.
func (p KeepPlaceable) RateOffer(inv *Inventory, s State, i int, part *Part) Rating {
	offer := &inv.Offers[i]
	before := s[offer.GPU]
	after := with(before, offer, part.Bytes)
	loss := inv.worthInUse(offer.GPU, before) - inv.worthInUse(offer.GPU, after)
	if before.Free() {
		free := s.FreeGPUs()
		loss = inv.links.worth[free] - inv.links.worth[free&^(1<<offer.GPU)] - inv.worthInUse(offer.GPU, after)
	}
	return Rating{Loss: loss}
}

// worthInUse is what a GPU that is not free is still worth, in MiB.
func (inv *Inventory) worthInUse(gpu int, state GPUState) int64 {
	all := int64(inv.Node.GPUs[gpu].Model.Usable() / topology.MiB)
	switch {
	case state.MIG.Slices != 0 && inv.open[gpu] > 0:
		return all * inv.placeable(gpu, state) / inv.open[gpu] / 2
	case state.Sharers > 0 && all > 0:
		left := all - int64(state.Shared/topology.MiB)
		return left * left / all / 2
	}
	return 0
}
