package placement

// Spread takes the emptiest GPU, and the emptiest node, so that holders disturb one
// another the least. It is what the default scheduler's LeastAllocated does.
type Spread struct{}

// Name implements Policy.
func (Spread) Name() string { return "spread" }

// RateGPUs implements Policy.
func (Spread) RateGPUs(v *View, _ GPUSet) Rating { return Rating{OpportunityCost: -v.nodeLeftover()} }

// RateDevice implements Policy.
func (Spread) RateDevice(v *View, i int, _ ShareSize) Rating {
	const gpusFirst = 1 << 26 // more than the MiB of any node
	return Rating{OpportunityCost: -v.GPULeftover(v.Devices[i].GPU)*gpusFirst - v.nodeLeftover()}
}
