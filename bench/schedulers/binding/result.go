package binding

import "time"

// Result is how a scheduler bound the pods of one run.
type Result struct {
	// Asked is how many pods there were, Bound how many of them were bound in time.
	Asked int `json:"asked"`
	Bound int `json:"bound"`
	// Seconds pass from the first that is bound to the last.
	Seconds float64 `json:"seconds"`
	// CPUSeconds are what the scheduler's process used in that time.
	CPUSeconds float64 `json:"cpuSeconds"`
}

// PodsPerSecond is the rate; 0 if fewer than two pods were bound.
func (r Result) PodsPerSecond() float64 {
	if r.Bound < 2 || r.Seconds <= 0 {
		return 0
	}
	return float64(r.Bound-1) / r.Seconds
}

// MillisecondsPerPod is the CPU time of a pod; 0 if fewer than two pods were bound.
func (r Result) MillisecondsPerPod() float64 {
	if r.Bound < 2 {
		return 0
	}
	return 1000 * r.CPUSeconds / float64(r.Bound-1)
}

// bindingMoment is when a pod was seen to be bound, and what CPU time the scheduler had used by then.
type bindingMoment struct {
	at  time.Time
	cpu time.Duration
}

func resultOf(asked, bound int, first, last bindingMoment) Result {
	return Result{
		Asked: asked, Bound: bound, Seconds: last.at.Sub(first.at).Seconds(), CPUSeconds: (last.cpu - first.cpu).Seconds(),
	}
}
