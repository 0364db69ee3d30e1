package main

import (
	"container/heap"
	"math/rand"
)

// benchmarkJob is one arrival.
type benchmarkJob struct {
	kind     int     // index into the mix
	at       float64 // arrival, in mean durations
	duration float64
}

// kindOfJob is one kind of job of a mix.
type kindOfJob struct {
	weight int
	size   float64 // what it takes of the capacity
}

// drawArrivals draws jobs by a Poisson process with exponential durations, so that the
// offered load is load times the capacity.
func drawArrivals(random *rand.Rand, mix []kindOfJob, capacity, load float64, count int) []benchmarkJob {
	total, work := 0, 0.0
	for _, kind := range mix {
		total += kind.weight
		work += float64(kind.weight) * kind.size
	}
	rate := load * capacity / (work / float64(total)) // jobs per mean duration
	jobs := make([]benchmarkJob, count)
	now := 0.0
	for i := range jobs {
		now += random.ExpFloat64() / rate
		draw := random.Intn(total)
		kind := 0
		for draw >= mix[kind].weight {
			draw -= mix[kind].weight
			kind++
		}
		jobs[i] = benchmarkJob{kind: kind, at: now, duration: random.ExpFloat64()}
	}
	return jobs
}

// jobDeparture is the end of a placed job.
type jobDeparture struct {
	at  float64
	job int
}

type departureHeap []jobDeparture

func (d departureHeap) Len() int { return len(d) }
func (d departureHeap) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].job < d[j].job
}
func (d departureHeap) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *departureHeap) Push(x any)   { *d = append(*d, x.(jobDeparture)) }
func (d *departureHeap) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

// playJobs runs jobs through a node: leave is called for each end, arrive for each
// arrival and says whether the job was placed. A job that does not fit is lost.
func playJobs(jobs []benchmarkJob, leave func(job int), arrive func(job int) bool) {
	var running departureHeap
	for i := range jobs {
		for len(running) > 0 && running[0].at <= jobs[i].at {
			leave(heap.Pop(&running).(jobDeparture).job)
		}
		if arrive(i) {
			heap.Push(&running, jobDeparture{jobs[i].at + jobs[i].duration, i})
		}
	}
}
