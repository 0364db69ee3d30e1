package openb

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology"
)

// columns of a curve: 0 to 130 percent arrived.
const columns = ArrivingPercent + 1

// CurvePoint is one column of the curves of an experiment, in percent.
type CurvePoint struct {
	// Allocated is the part of all GPUs that pods hold.
	Allocated float64
	// Fragment is the part of all GPUs that the next pod is expected not to be able to
	// use though idle, FragmentOfIdle the part of idle ones.
	Fragment, FragmentOfIdle float64
}

// allocationCurves collects samples by how much has arrived, rounded as published.
type allocationCurves struct {
	capacity float64
	sums     [columns]columnSums
}

// columnSums are those of one column.
type columnSums struct {
	samples                             int
	allocated, fragment, fragmentOfIdle float64
}

func newCurves(capacity topology.MilliGPU) *allocationCurves {
	return &allocationCurves{capacity: float64(capacity)}
}

// addSample adds the state after an arrival.
func (c *allocationCurves) addSample(arrived, idle topology.MilliGPU, fragment float64) {
	column := math.RoundToEven(float64(arrived) / c.capacity * 100)
	if column >= columns {
		return
	}
	s := &c.sums[int(column)]
	s.samples++
	s.allocated += roundToHundredths((c.capacity - float64(idle)) / c.capacity * 100)
	s.fragment += fragment
	if idle > 0 {
		s.fragmentOfIdle += roundToHundredths(100 * fragment / float64(idle))
	}
}

// pointAt is a column: the mean of its samples, or of its neighbours' if it has none. On a
// cluster so small that a pod is some percent of it they may have none, either: then
// it stands as it stood before.
func (c *allocationCurves) pointAt(column int) CurvePoint {
	low, high := column, column
	if c.sums[column].samples == 0 {
		low, high = max(column-1, 0), min(column+1, columns-1)
	}
	var all columnSums
	for _, s := range c.sums[low : high+1] {
		all.samples += s.samples
		all.allocated += s.allocated
		all.fragment += s.fragment
		all.fragmentOfIdle += s.fragmentOfIdle
	}
	if all.samples == 0 {
		if column == 0 {
			return CurvePoint{}
		}
		return c.pointAt(column - 1)
	}
	n := float64(all.samples)
	return CurvePoint{
		Allocated:      roundToHundredths(all.allocated / n),
		Fragment:       roundToHundredths(100 * all.fragment / n / c.capacity),
		FragmentOfIdle: all.fragmentOfIdle / n,
	}
}

func roundToHundredths(x float64) float64 { return math.RoundToEven(x*100) / 100 }
