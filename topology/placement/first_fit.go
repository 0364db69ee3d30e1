package placement

// FirstFit takes the first choice that fits, in index order. It is what
// Kubernetes does with devices, and the baseline for every other policy.
type FirstFit struct{}

// Name implements Policy.
func (FirstFit) Name() string { return "first-fit" }

// RateGPUs implements Policy.
func (FirstFit) RateGPUs(*View, GPUSet) Rating { return Rating{} }

// RateDevice implements Policy.
func (FirstFit) RateDevice(*View, int, ShareSize) Rating { return Rating{} }
