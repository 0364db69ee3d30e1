package main

import "slices"

// medianOf is the middle of values, or the mean of the two in the middle; 0 of none.
func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[at]
	}
	return (sorted[at-1] + sorted[at]) / 2
}

// medianRate is pods per second; 0 if not known.
func (r *bindingRuns) medianRate() float64 {
	if r == nil {
		return 0
	}
	var rates []float64
	for _, round := range r.Rounds {
		rates = append(rates, round.PodsPerSecond())
	}
	return medianOf(rates)
}

// medianCPU is milliseconds of CPU time per pod; 0 if not known.
func (r *bindingRuns) medianCPU() float64 {
	if r == nil {
		return 0
	}
	var times []float64
	for _, round := range r.Rounds {
		times = append(times, round.MillisecondsPerPod())
	}
	return medianOf(times)
}

// medianRatio is how many times as fast as others the runs were, round by round: what else the
// machine does strikes both of a round. 0 if not known.
func (r *bindingRuns) medianRatio(others *bindingRuns) float64 {
	if r == nil || others == nil {
		return 0
	}
	var ratios []float64
	for i := range min(len(r.Rounds), len(others.Rounds)) {
		if rate := others.Rounds[i].PodsPerSecond(); rate > 0 {
			ratios = append(ratios, r.Rounds[i].PodsPerSecond()/rate)
		}
	}
	return medianOf(ratios)
}
