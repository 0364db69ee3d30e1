package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// maxMediaLevels bounds the combinations of media engines that instances of one
// GPU can hold together; the RTX PRO 6000, with the most, has about ten.
const maxMediaLevels = 64

// migFlexibility knows, for everything that MIG instances can hold of a GPU, how much of
// the expected demand can still be placed beside it. It is computed once for all
// GPUs with the same placements, and makes rating a placement two look-ups.
//
// Space: one int64 for each set of memory slices and level of media engines: 4 KiB
// for the 7-slice family. Time: as many times the number of placements.
type migFlexibility struct {
	slices int // number of memory slices
	// levels are the sums of media engines that can be held, none first; all is what
	// the GPU has of each.
	levels  []mig.Media
	all     mig.Media
	devices []*Device
	// value[level<<slices|mask] is what the GPU is still worth, in MiB: the part of its
	// memory that demand in parts would take, in proportion to the placements that
	// still fit, by weight and memory slices. 4g counts four times as much as 1g.
	value []int64
}

// newMIGFlexibility looks at the MIG devices of one GPU, with its memory in MiB.
func newMIGFlexibility(devices []*Device, memory int64, demand Demand) (*migFlexibility, error) {
	o := &migFlexibility{devices: devices}
	for _, device := range devices {
		o.slices = max(o.slices, int(device.Placement.Start+device.Placement.Size))
		o.all = maxMedia(o.all, device.Media)
	}
	if err := o.findLevels(devices); err != nil {
		return nil, err
	}
	open := make([]int64, len(o.levels)<<o.slices)
	for level, media := range o.levels {
		for mask := range mig.Slices(1) << o.slices {
			for i := range devices {
				device := devices[i]
				if device.slices&mask == 0 && media.Plus(device.Media).Within(o.all) {
					open[level<<o.slices|int(mask)] += demand.profileWeight(device.Profile) * device.Placement.Size
				}
			}
		}
	}
	o.value = open
	all := max(1, open[0])
	for i := range open {
		o.value[i] = memory * demand.Divided * open[i] / all / 100
	}
	return o, nil
}

// findLevels collects every sum of media engines within what the GPU has.
func (o *migFlexibility) findLevels(devices []*Device) error {
	o.levels = []mig.Media{{}}
	for at := 0; at < len(o.levels); at++ {
		for _, device := range devices {
			next := o.levels[at].Plus(device.Media)
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

// mediaLevel finds what is held of media engines among the levels; -1 for a sum that no
// devices make, which instances that others created may.
func (o *migFlexibility) mediaLevel(held *mig.Media) int {
	if *held == (mig.Media{}) {
		return 0
	}
	return slices.Index(o.levels, *held)
}

// placeableBeside is what the GPU is still worth beside what is held, in MiB.
func (o *migFlexibility) placeableBeside(level int, held mig.Slices) int64 {
	if level < 0 {
		return 0
	}
	return o.value[level<<o.slices|int(held)]
}

// fitsProfile reports whether an instance of the profile could be created beside what is
// held.
func (o *migFlexibility) fitsProfile(profile mig.ProfileID, held mig.Occupancy) bool {
	return slices.ContainsFunc(o.devices, func(device *Device) bool {
		return device.Profile == profile && device.slices&held.Slices == 0 && held.Media.Plus(device.Media).Within(o.all)
	})
}

func maxMedia(a, b mig.Media) mig.Media {
	return mig.Media{
		Decoders: max(a.Decoders, b.Decoders), Encoders: max(a.Encoders, b.Encoders),
		JPEG: max(a.JPEG, b.JPEG), OFA: max(a.OFA, b.OFA),
	}
}
