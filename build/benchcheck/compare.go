package main

import (
	"math"

	"golang.org/x/perf/benchmath"
)

// significance is the chance of a difference that is none, below which it counts.
const significance = 0.01

// deviations are those above the recorded mean that are allowed.
const deviations = 3

// slack is the share of the recorded mean that is allowed, by unit: time depends on what else
// a machine does, allocations hardly do.
var slack = map[string]float64{"sec/op": 0.25, "B/op": 0.05, "allocs/op": 0.02}

// spread is the mean of a sample, and its standard deviation.
type spread struct{ mean, deviation float64 }

func spreadOf(sample *benchmath.Sample) spread {
	mean := benchmath.AssumeNormal.Summary(sample, 0.95).Center
	squares := 0.0
	for _, value := range sample.Values {
		squares += (value - mean) * (value - mean)
	}
	if len(sample.Values) < 2 {
		return spread{mean: mean}
	}
	return spread{mean: mean, deviation: math.Sqrt(squares / float64(len(sample.Values)-1))}
}

// limitOf is the mean above which a benchmark has become worse than it was recorded.
func limitOf(recorded spread, unit string) float64 {
	return recorded.mean + max(deviations*recorded.deviation, slack[unit]*recorded.mean)
}

// hasWorsened is whether a sample is above the limit of the recorded one, and more than by
// chance. Samples that do not vary at all are compared as they are.
func hasWorsened(recorded, now *benchmath.Sample, unit string) bool {
	before, after := spreadOf(recorded), spreadOf(now)
	if after.mean <= limitOf(before, unit) {
		return false
	}
	if before.deviation == 0 && after.deviation == 0 {
		return true
	}
	return benchmath.AssumeNormal.Compare(recorded, now).P < significance
}
