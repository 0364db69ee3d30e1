package placement

// BestFit takes what leaves the least unused memory: on the GPU for slices and
// shares, on the node for whole GPUs and between GPUs that tie.
type BestFit struct{}

// Name implements Policy.
func (BestFit) Name() string { return "best-fit" }

// RateGPUs implements Policy.
func (BestFit) RateGPUs(v *View, gpus GPUSet) Rating {
	return Rating{OpportunityCost: v.nodeLeftover() - v.memoryOfGPUs(gpus)}
}

// RateDevice implements Policy.
func (BestFit) RateDevice(v *View, i int, size ShareSize) Rating {
	device := &v.Devices[i]
	taken := v.deviceMemory(device, size)
	const gpusFirst = 1 << 26 // more than the MiB of any node
	return Rating{OpportunityCost: (v.GPULeftover(device.GPU)-taken)*gpusFirst + v.nodeLeftover() - taken}
}
