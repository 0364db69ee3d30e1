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
		gpu := gpus.lowestGPU()
		product += v.memory[gpu] * v.GPULeftover(gpu)
	}
	return Rating{OpportunityCost: product}
}

// RateDevice implements Policy.
func (DotProduct) RateDevice(v *View, i int, size ShareSize) Rating {
	device := &v.Devices[i]
	return Rating{OpportunityCost: v.deviceMemory(device, size) * v.GPULeftover(device.GPU)}
}
