package placement

// Spread takes the emptiest GPU, and the emptiest node, so that holders disturb one
// another the least. It is what the default scheduler's LeastAllocated does.
type Spread struct{}

// Name implements Policy.
func (Spread) Name() string { return "spread" }

// RateGPUs implements Policy.
func (Spread) RateGPUs(v *View, _ GPUSet) Rating { return Rating{Loss: -v.leftover()} }

// RateOffer implements Policy.
func (Spread) RateOffer(v *View, i int, _ Size) Rating {
	const gpusFirst = 1 << 26 // more than the MiB of any node
	return Rating{Loss: -v.Leftover(v.Offers[i].GPU)*gpusFirst - v.leftover()}
}
