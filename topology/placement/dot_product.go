package placement

// DotProduct takes the choice whose request, as a vector over the node's GPUs, has
// the smallest product with the vector of what is left on them: large requests go
// where little is left (Tetris, Grandl et al., SIGCOMM 2014, in the form that Weng
// et al. use as a baseline, with memory as the resource).
type DotProduct struct{}

// Name implements Policy.
func (DotProduct) Name() string { return "dot-product" }

// RateGPUs implements Policy.
func (DotProduct) RateGPUs(v *View, gpus GPUSet) Rating {
	product := int64(0)
	for ; gpus != 0; gpus &= gpus - 1 {
		gpu := gpus.lowest()
		product += v.memory[gpu] * v.Leftover(gpu)
	}
	return Rating{Loss: product}
}

// RateOffer implements Policy.
func (DotProduct) RateOffer(v *View, i int, size Size) Rating {
	offer := &v.Offers[i]
	return Rating{Loss: v.taking(offer, size) * v.Leftover(offer.GPU)}
}
