package placement

import "github.com/ashlar-dev/ashlar/topology"

// KeepPlaceable is the default policy: keep the most of the expected demand
// placeable. A job on several GPUs gets the fastest set; beyond that, every choice
// is made for the requests to come. What can still be placed is valued in MiB:
//
//   - free GPUs by the jobs on whole GPUs that they could serve (newWorth);
//   - a GPU split by MIG by the share of its placements that are still open, after
//     "least lost flexibility" (openness): it puts 1g at the top end and 3g at 4;
//   - a shared GPU by the square of its free memory, so that shares gather on the
//     fullest GPU that has room.
//
// A GPU that is in use already has lost what it was worth to jobs on whole GPUs, so
// new slices and shares join existing ones before they break up a free GPU, the
// more so the more of the demand is on whole GPUs.
//
// Complexity: constant, by look-up.
type KeepPlaceable struct{}

// Name implements Policy.
func (KeepPlaceable) Name() string { return "keep-placeable" }

// RateGPUs implements Policy.
func (KeepPlaceable) RateGPUs(v *View, gpus GPUSet) Rating {
	return Rating{
		Bandwidth: v.ring[gpus],
		Loss:      v.worth[v.Free] - v.worth[v.Free&^gpus],
		Distance:  v.distance[gpus],
	}
}

// RateOffer implements Policy.
func (KeepPlaceable) RateOffer(v *View, i int, size Size) Rating {
	offer := &v.Offers[i]
	before := &v.State[offer.GPU]
	free := v.Free.Has(offer.GPU)
	var loss int64
	if free {
		loss = v.worth[v.Free] - v.worth[v.Free&^(1<<offer.GPU)]
	}
	if offer.Form == MIG {
		open := v.opens[offer.GPU]
		level := open.level(&before.MIG.Media)
		if !free {
			loss = open.left(level, before.MIG.Slices)
		}
		if offer.scarce {
			after := before.MIG.Media.Plus(offer.Media)
			level = open.level(&after)
		}
		return Rating{Loss: loss - open.left(level, before.MIG.Slices|offer.slices)}
	}
	if !free {
		loss = v.worthOfShare(offer.GPU, before.Shared)
	}
	return Rating{Loss: loss - v.worthOfShare(offer.GPU, before.Shared+shareSize(offer, size))}
}

// worthOfShare is what a shared GPU is still worth, in MiB.
func (inv *Inventory) worthOfShare(gpu int, held topology.Bytes) int64 {
	all := inv.memory[gpu]
	left := all - int64(held/topology.MiB)
	return left * left / max(1, all) * inv.divided / 100
}
