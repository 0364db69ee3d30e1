package placement

// Random ranks choices at random. The same seed, state and choice always rate the
// same, so that a run can be repeated: it hashes instead of drawing.
type Random struct{ Seed uint64 }

// Name implements Policy.
func (Random) Name() string { return "random" }

// RateGPUs implements Policy.
func (r Random) RateGPUs(v *View, gpus GPUSet) Rating {
	return Rating{Loss: r.draw(v, uint64(gpus))}
}

// RateOffer implements Policy.
func (r Random) RateOffer(v *View, offer int, _ Size) Rating {
	return Rating{Loss: r.draw(v, uint64(offer)<<32)}
}

// draw hashes the seed, the state and the choice by splitmix64's mixing steps
// (Steele, Lea and Flood, OOPSLA 2014).
func (r Random) draw(v *View, choice uint64) int64 {
	hash := mix(r.Seed ^ mix(choice))
	for i := range v.State {
		gpu := &v.State[i]
		hash = mix(hash ^ uint64(gpu.MIG.Slices)<<32 ^ uint64(gpu.Shared) ^ uint64(gpu.Sharers)<<48)
		if gpu.Whole {
			hash = mix(hash + 1)
		}
	}
	return int64(hash >> 1)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
