package placement

// Random ranks choices at random. The same seed, state and choice always rate the
// same, so that a run can be repeated: it hashes instead of drawing.
type Random struct{ Seed uint64 }

// Name implements Policy.
func (Random) Name() string { return "random" }

// RateGPUs implements Policy.
func (r Random) RateGPUs(v *View, gpus GPUSet) Rating {
	return Rating{OpportunityCost: r.drawRating(v, uint64(gpus))}
}

// RateDevice implements Policy.
func (r Random) RateDevice(v *View, device int, _ ShareSize) Rating {
	return Rating{OpportunityCost: r.drawRating(v, uint64(device)<<32)}
}

// drawRating hashes the seed, the state and the choice by splitmix64's mixing steps
// (Steele, Lea and Flood, OOPSLA 2014).
func (r Random) drawRating(v *View, choice uint64) int64 {
	hash := mixBits(r.Seed ^ mixBits(choice))
	for i := range v.GPUs {
		gpu := &v.GPUs[i]
		hash = mixBits(hash ^ uint64(gpu.MIG.Slices)<<32 ^ uint64(gpu.Shared) ^ uint64(gpu.Sharers)<<48)
		if gpu.Whole {
			hash = mixBits(hash + 1)
		}
	}
	return int64(hash >> 1)
}

func mixBits(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
