package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// maxMediaLevels bounds the combinations of media engines that instances of one
// GPU can hold together; the RTX PRO 6000, with the most, has about ten.
const maxMediaLevels = 64

// openness knows, for everything that MIG instances can hold of a GPU, how much of
// the expected demand can still be placed beside it. It is computed once for all
// GPUs with the same placements, and makes rating a placement two look-ups.
//
// Space: one int64 for each set of memory slices and level of media engines: 4 KiB
// for the 7-slice family. Time: as many times the number of placements.
type openness struct {
	slices int // number of memory slices
	// levels are the sums of media engines that can be held, none first; all is what
	// the GPU has of each.
	levels []mig.Media
	all    mig.Media
	offers []*Offer
	// worth[level<<slices|mask] is what the GPU is still worth, in MiB: the part of its
	// memory that demand in parts would take, in proportion to the placements that
	// still fit, by weight and memory slices. 4g counts four times as much as 1g.
	worth []int64
}

// newOpenness looks at the MIG offers of one GPU, with its memory in MiB.
func newOpenness(offers []*Offer, memory int64, demand Demand) (*openness, error) {
	o := &openness{offers: offers}
	for _, offer := range offers {
		o.slices = max(o.slices, int(offer.Placement.Start+offer.Placement.Size))
		o.all = maxMedia(o.all, offer.Media)
	}
	if err := o.findLevels(offers); err != nil {
		return nil, err
	}
	open := make([]int64, len(o.levels)<<o.slices)
	for level, media := range o.levels {
		for mask := range mig.Slices(1) << o.slices {
			for i := range offers {
				offer := offers[i]
				if offer.slices&mask == 0 && media.Plus(offer.Media).Within(o.all) {
					open[level<<o.slices|int(mask)] += demand.profileWeight(offer.Profile) * offer.Placement.Size
				}
			}
		}
	}
	o.worth = open
	all := max(1, open[0])
	for i := range open {
		o.worth[i] = memory * demand.Divided * open[i] / all / 100
	}
	return o, nil
}

// findLevels collects every sum of media engines within what the GPU has.
func (o *openness) findLevels(offers []*Offer) error {
	o.levels = []mig.Media{{}}
	for at := 0; at < len(o.levels); at++ {
		for _, offer := range offers {
			next := o.levels[at].Plus(offer.Media)
			if next.Within(o.all) && !slices.Contains(o.levels, next) {
				o.levels = append(o.levels, next)
			}
		}
		if len(o.levels) > maxMediaLevels {
			return fmt.Errorf("more than %d combinations of media engines", maxMediaLevels)
		}
	}
	return nil
}

// level finds what is held of media engines among the levels; -1 for a sum that no
// offers make, which instances that others created may.
func (o *openness) level(held *mig.Media) int {
	if *held == (mig.Media{}) {
		return 0
	}
	return slices.Index(o.levels, *held)
}

// left is what the GPU is still worth beside what is held, in MiB.
func (o *openness) left(level int, held mig.Slices) int64 {
	if level < 0 {
		return 0
	}
	return o.worth[level<<o.slices|int(held)]
}

// fits reports whether an instance of the profile could be created beside what is
// held.
func (o *openness) fits(profile mig.ProfileID, held mig.Occupancy) bool {
	return slices.ContainsFunc(o.offers, func(offer *Offer) bool {
		return offer.Profile == profile && offer.slices&held.Slices == 0 && held.Media.Plus(offer.Media).Within(o.all)
	})
}

func maxMedia(a, b mig.Media) mig.Media {
	return mig.Media{
		Decoders: max(a.Decoders, b.Decoders), Encoders: max(a.Encoders, b.Encoders),
		JPEG: max(a.JPEG, b.JPEG), OFA: max(a.OFA, b.OFA),
	}
}
