package placement

// Packing fills what is in use before it touches what is not: first GPUs in use,
// then free GPUs of nodes in use, then empty nodes (GPU packing of Weng et al.,
// "Beware of Fragmentation", USENIX ATC 2023, section 6.1, there a baseline).
type Packing struct{}

// Name implements Policy.
func (Packing) Name() string { return "packing" }

// RateGPUs implements Policy.
func (Packing) RateGPUs(v *View, _ GPUSet) Rating { return Rating{OpportunityCost: nodeEmptiness(v)} }

// RateDevice implements Policy.
func (Packing) RateDevice(v *View, i int, _ ShareSize) Rating {
	if !v.Free.Has(v.Devices[i].GPU) {
		return Rating{}
	}
	return Rating{OpportunityCost: nodeEmptiness(v)}
}

// nodeEmptiness is 1 for a node in use and 2 for an empty one.
func nodeEmptiness(v *View) int64 {
	if v.Free != v.AllGPUs() {
		return 1
	}
	return 2
}
