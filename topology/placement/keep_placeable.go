package placement

import "github.com/ashlar-dev/ashlar/topology"

// KeepPlaceable is the default policy: keep the most of the expected demand
// placeable. A job on several GPUs gets the fastest set; beyond that, every choice
// is made for the requests to come. What can still be placed is valued in MiB:
//
//   - free GPUs by the jobs on whole GPUs that they could serve (newPlaceableValue);
//   - a GPU split by MIG by the share of its placements that are still open, after
//     "least lost flexibility" (migFlexibility): it puts 1g at the top end and 3g at 4;
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
		Bandwidth:       v.ring[gpus],
		OpportunityCost: v.placeable[v.Free] - v.placeable[v.Free&^gpus],
		Distance:        v.distance[gpus],
	}
}

// RateDevice implements Policy.
func (KeepPlaceable) RateDevice(v *View, i int, size ShareSize) Rating {
	device := &v.Devices[i]
	before := &v.GPUs[device.GPU]
	free := v.Free.Has(device.GPU)
	var loss int64
	if free {
		loss = v.placeable[v.Free] - v.placeable[v.Free&^(1<<device.GPU)]
	}
	if device.Form == MIG {
		open := v.flexibility[device.GPU]
		level := open.mediaLevel(&before.MIG.Media)
		if !free {
			loss = open.placeableBeside(level, before.MIG.Slices)
		}
		if device.scarce {
			after := before.MIG.Media.Plus(device.Media)
			level = open.mediaLevel(&after)
		}
		return Rating{OpportunityCost: loss - open.placeableBeside(level, before.MIG.Slices|device.slices)}
	}
	if !free {
		loss = v.placeableOfShare(device.GPU, before.Shared)
	}
	return Rating{OpportunityCost: loss - v.placeableOfShare(device.GPU, before.Shared+shareMemory(device, size))}
}

// placeableOfShare is what a shared GPU is still worth, in MiB.
func (inv *Inventory) placeableOfShare(gpu int, held topology.Bytes) int64 {
	all := inv.memory[gpu]
	left := all - int64(held/topology.MiB)
	return left * left / max(1, all) * inv.divided / 100
}
