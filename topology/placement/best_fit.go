package placement

// BestFit takes what leaves the least unused memory: on the GPU for slices and
// shares, on the node for whole GPUs and between GPUs that tie.
type BestFit struct{}

// Name implements Policy.
func (BestFit) Name() string { return "best-fit" }

// RateGPUs implements Policy.
func (BestFit) RateGPUs(v *View, gpus GPUSet) Rating {
	return Rating{Loss: v.leftover() - v.memoryOf(gpus)}
}

// RateOffer implements Policy.
func (BestFit) RateOffer(v *View, i int, size Size) Rating {
	offer := &v.Offers[i]
	taken := v.taking(offer, size)
	const gpusFirst = 1 << 26 // more than the MiB of any node
	return Rating{Loss: (v.Leftover(offer.GPU)-taken)*gpusFirst + v.leftover() - taken}
}
