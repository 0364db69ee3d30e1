package main

import (
	"math"
	"math/rand"
	"slices"
)

// knownJob is an arrival to somebody who knows when it leaves: at the first-th arrival it
// comes, and it is gone at the end-th.
type knownJob struct {
	kind       int
	first, end int
}

// knownJobs are the arrivals of a run with their ends. A job that comes and goes between two
// arrivals is in nobody's way but at its own.
func knownJobs(jobs []benchmarkJob) []knownJob {
	arrivals := make([]float64, len(jobs))
	for i := range jobs {
		arrivals[i] = jobs[i].at
	}
	known := make([]knownJob, len(jobs))
	for i := range jobs {
		// As playJobs does it: who leaves at the time of an arrival leaves before it.
		end, _ := slices.BinarySearch(arrivals, jobs[i].at+jobs[i].duration)
		known[i] = knownJob{kind: jobs[i].kind, first: i, end: max(end, i+1)}
	}
	return known
}

// capacityLimit is what any placement keeps to at every arrival: of all jobs that are there, no more
// than so much.
type capacityLimit struct {
	take []float64 // by kind
	most float64
	// price is by arrival, in slices for each unit that is taken.
	price []float64
}

// limitsOf are what holds for the geometry of any 7-slice GPU, wherever instances lie: seven
// compute slices, eight memory slices, of which 3g and 4g take four each, and one 4g.
func limitsOf(gpus, jobs int) []*capacityLimit {
	limits := []*capacityLimit{
		{take: []float64{1, 2, 3, 4}, most: 7 * float64(gpus)},
		{take: []float64{1, 2, 4, 4}, most: 8 * float64(gpus)},
		{take: []float64{0, 0, 0, 1}, most: float64(gpus)},
	}
	for _, l := range limits {
		l.price = make([]float64, jobs)
	}
	return limits
}

// dualRounds is how often prices are changed.
const dualRounds = 400

// boundClairvoyant is a share of compute slices above which nobody comes, not even who knows
// all arrivals and ends, may turn jobs away and moves instances freely: the Lagrangian dual of
// the limits. Whatever the prices, a job is worth its slices less what it would pay at each
// arrival while it is there; those worth something and the prices of all that there is add up
// to no less than what can be served. The prices are found by subgradient steps.
func boundClairvoyant(gpus, count int, seed int64) []float64 {
	mix := migKinds()
	jobs := knownJobs(drawArrivals(rand.New(rand.NewSource(seed)), mix, 7*float64(gpus), load, count))
	offered := 0.0
	for _, job := range jobs {
		offered += mix[job.kind].size
	}
	return []float64{dualBound(jobs, mix, gpus) / offered}
}

// dualBound is the least of the bounds that were found, in slices.
func dualBound(jobs []knownJob, mix []kindOfJob, gpus int) float64 {
	limits := limitsOf(gpus, len(jobs))
	least := math.Inf(1)
	paid := make([]float64, len(jobs)+1) // what one arrival after the other costs, summed up
	change := make([]float64, len(jobs)+1)
	for round := range dualRounds {
		worth := make([]float64, len(jobs))
		for j := range jobs {
			worth[j] = mix[jobs[j].kind].size
		}
		bound := 0.0
		for _, l := range limits {
			for t, price := range l.price {
				paid[t+1] = paid[t] + price
			}
			bound += l.most * paid[len(jobs)]
			for j := range jobs {
				worth[j] -= l.take[jobs[j].kind] * (paid[jobs[j].end] - paid[jobs[j].first])
			}
		}
		for _, w := range worth {
			bound += max(0, w)
		}
		least = min(least, bound)
		step := 0.05 / (1 + float64(round)/20)
		for _, l := range limits {
			clear(change)
			for j := range jobs {
				if worth[j] > 0 {
					change[jobs[j].first] += l.take[jobs[j].kind]
					change[jobs[j].end] -= l.take[jobs[j].kind]
				}
			}
			taken := 0.0
			for t := range l.price {
				taken += change[t]
				l.price[t] = max(0, l.price[t]+step*(taken-l.most)/l.most)
			}
		}
	}
	return least
}
