package main

import (
	"container/heap"
	"math/rand"
)

// job is one arrival.
type job struct {
	kind     int     // index into the mix
	at       float64 // arrival, in mean durations
	duration float64
}

// kindOfJob is one kind of job of a mix.
type kindOfJob struct {
	weight int
	size   float64 // what it takes of the capacity
}

// arrivals draws jobs by a Poisson process with exponential durations, so that the
// offered load is load times the capacity.
func arrivals(random *rand.Rand, mix []kindOfJob, capacity, load float64, count int) []job {
	total, work := 0, 0.0
	for _, kind := range mix {
		total += kind.weight
		work += float64(kind.weight) * kind.size
	}
	rate := load * capacity / (work / float64(total)) // jobs per mean duration
	jobs := make([]job, count)
	now := 0.0
	for i := range jobs {
		now += random.ExpFloat64() / rate
		draw := random.Intn(total)
		kind := 0
		for draw >= mix[kind].weight {
			draw -= mix[kind].weight
			kind++
		}
		jobs[i] = job{kind: kind, at: now, duration: random.ExpFloat64()}
	}
	return jobs
}

// departure is the end of a placed job.
type departure struct {
	at  float64
	job int
}

type departures []departure

func (d departures) Len() int { return len(d) }
func (d departures) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].job < d[j].job
}
func (d departures) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *departures) Push(x any)   { *d = append(*d, x.(departure)) }
func (d *departures) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

// play runs jobs through a node: leave is called for each end, arrive for each
// arrival and says whether the job was placed. A job that does not fit is lost.
func play(jobs []job, leave func(job int), arrive func(job int) bool) {
	var running departures
	for i := range jobs {
		for len(running) > 0 && running[0].at <= jobs[i].at {
			leave(heap.Pop(&running).(departure).job)
		}
		if arrive(i) {
			heap.Push(&running, departure{jobs[i].at + jobs[i].duration, i})
		}
	}
}
