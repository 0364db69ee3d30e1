package forecast

import "math"

// recentPods is how many of the last pods a forecast is compared with.
const recentPods = 128

// Drift is a forecast beside the pods that came.
type Drift struct {
	// Expected are the shapes of the pods that the forecast expects, Recent those of the
	// last pods that were placed.
	Expected, Recent ShapeShares
}

// Ratio is which part of the pods came in other shapes than expected: 0 if all came as
// expected, 1 if none did. It is the total variation distance of the two.
func (d *Drift) Ratio() float64 {
	sum := 0.0
	for i := range d.Expected {
		sum += math.Abs(d.Expected[i] - d.Recent[i])
	}
	return sum / 2
}

// MeasureDrift compares the forecast with the last 128 pods; false before anything is
// expected. The forecast forgets nothing: the longer it has learned, the slower it follows a
// change, and the longer this shows one.
func (f *DemandForecast) MeasureDrift() (Drift, bool) {
	l := &f.learned
	if l.demand == nil {
		return Drift{}, false
	}
	var recent ShapeShares
	for _, shape := range l.recent {
		recent[shape]++
	}
	return Drift{Expected: l.demand.shapeShares(), Recent: recent.toParts()}, true
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
