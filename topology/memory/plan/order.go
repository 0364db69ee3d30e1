package plan

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// compareOptions puts what fits first, then the cheapest, what has no price last, then
// the fewest GPUs and the least memory.
func compareOptions(a, b *Option) int {
	return cmp.Or(
		compareTrue(a.Fits, b.Fits),
		compareTrue(a.Cost != nil, b.Cost != nil),
		cmp.Compare(a.knownCost(), b.knownCost()),
		cmp.Compare(a.GPUs, b.GPUs),
		cmp.Compare(a.MemoryPerGPU(), b.MemoryPerGPU()),
		cmp.Compare(a.Offer.Model, b.Offer.Model),
		cmp.Compare(a.Offer.Profile, b.Offer.Profile),
	)
}

// compareTrue puts what is true first.
func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (o *Option) knownCost() catalogue.MicroDollars {
	if o.Cost == nil {
		return 0
	}
	return *o.Cost
}
