package forecast

import "math"

// recentPods is how many of the last pods a forecast is compared with.
const recentPods = 128

// DemandDrift is a forecast beside the pods that came.
type DemandDrift struct {
	// Expected are the shapes of the pods that the forecast expects, Recent those of the
	// last pods that were placed.
	Expected, Recent ShapeShares
}

// DriftRatio is which part of the pods came in other shapes than expected: 0 if all came as
// expected, 1 if none did. It is the total variation distance of the two.
func (d *DemandDrift) DriftRatio() float64 {
	sum := 0.0
	for i := range d.Expected {
		sum += math.Abs(d.Expected[i] - d.Recent[i])
	}
	return sum / 2
}

// MeasureDrift compares the forecast with the last 128 pods; false before anything is
// expected. The forecast forgets nothing: the longer it has learned, the slower it follows a
// change, and the longer this shows one.
func (f *DemandForecast) MeasureDrift() (DemandDrift, bool) {
	l := &f.learned
	if l.demand == nil {
		return DemandDrift{}, false
	}
	var recent ShapeShares
	for _, shape := range l.recent {
		recent[shape]++
	}
	return DemandDrift{Expected: l.demand.shapeShares(), Recent: recent.toParts()}, true
}

// noteRecent notes the shape of a pod that came, in the place of the oldest.
func (l *learnedDemand) noteRecent(class PodClass) {
	if len(l.recent) < recentPods {
		l.recent = append(l.recent, shapeOf(class))
		return
	}
	l.recent[l.next] = shapeOf(class)
	l.next = (l.next + 1) % recentPods
}
