package scenario

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// arrivalTimes is a function that says when the next job arrives, and false after the last.
func (b *inputBuilder) arrivalTimes(w *Workload, path string, random *rand.Rand) (func() (simulator.Time, bool), error) {
	a := &w.Arrivals
	from := float64(a.From)
	perHour := 0.0
	switch {
	case a.Poisson != nil:
		perHour = a.Poisson.PerHour
	case a.Load > 0:
		var err error
		if perHour, err = b.rateOf(w, path); err != nil {
			return nil, err
		}
	case a.Every > 0:
		at := simulator.Time(a.From) - simulator.Time(a.Every)
		return func() (simulator.Time, bool) {
			at += simulator.Time(a.Every)
			return at, true
		}, nil
	default:
		times := slices.Sorted(slices.Values(a.At))
		i := -1
		return func() (simulator.Time, bool) {
			if i++; i >= len(times) {
				return 0, false
			}
			return simulator.Time(times[i]) + simulator.Time(a.From), true
		}, nil
	}
	mean := float64(simulator.Hour) / perHour
	return func() (simulator.Time, bool) {
		from += random.ExpFloat64() * mean
		return simulator.Time(math.Min(from, float64(simulator.MaxTime))), from < float64(simulator.MaxTime)
	}, nil
}

// rateOf is how many jobs per hour ask for the load of the GPU time that there is.
func (b *inputBuilder) rateOf(w *Workload, path string) (float64, error) {
	capacity := 0.0 // in thousandths of a GPU
	for _, pool := range b.pools {
		if pool.inventory != nil {
			capacity += float64(pool.count) * float64(len(pool.inventory.Node.GPUs)) * 1000
		}
	}
	if capacity == 0 {
		return 0, fieldErrorf(path+".arrivals.load", "%v", errNoGPUs)
	}
	work, weights := 0.0, 0.0
	for i := range w.Requests {
		r := &w.Requests[i]
		work += r.weightOrOne() * float64(b.milliGPUs(r)) * float64(max(1, w.Members))
		weights += r.weightOrOne()
	}
	if work == 0 {
		return 0, fieldErrorf(path+".arrivals.load", "no request takes any GPU of the nodes")
	}
	mean := (w.Duration.meanUntil(simulator.Time(b.Horizon)) + float64(w.Loading)) / float64(simulator.Hour)
	rate := w.Arrivals.Load * capacity / (work / weights * mean)
	if rate > maxRate {
		return 0, fieldErrorf(path+".arrivals.load", "takes more than 1000 arrivals per second: make the jobs longer")
	}
	return rate, nil
}

// milliGPUs is how much of a GPU a request takes, in thousandths, on the first make of nodes
// that has any for it.
func (b *inputBuilder) milliGPUs(r *Request) int64 {
	sharing := b.sharing
	b.sharing = ByRequest // the load is the same however GPUs are handed out
	defer func() { b.sharing = sharing }()
	if r.CPUOnly {
		return 0
	}
	for _, pool := range b.pools {
		if pool.inventory == nil {
			continue
		}
		terms := b.requestOn(r, pool.inventory)
		verdict := placement.Place(pool.inventory, placement.NewGPUStates(pool.inventory), terms.Request, placement.KeepPlaceable{})
		if verdict.Outcome != placement.Fits {
			continue
		}
		part := int64(0)
		for i := range verdict.Devices {
			part += int64(pool.inventory.Fraction(verdict.Devices[i], placement.RoundDown))
		}
		return part
	}
	return 0
}
