package simulator

import "slices"

// waiting is the queue of jobs without a place: by priority, the highest first, then by
// arrival. It holds indexes of jobs.
type waiting struct {
	jobs []int
	all  []Job
}

// order says which of two jobs is tried first.
func (w *waiting) order(a, b int) int {
	x, y := &w.all[a], &w.all[b]
	switch {
	case x.Priority > y.Priority:
		return -1
	case x.Priority < y.Priority:
		return 1
	case x.Arrives != y.Arrives:
		return sign(int64(x.Arrives - y.Arrives))
	}
	return a - b
}

func sign(n int64) int {
	if n < 0 {
		return -1
	}
	return 1
}

func (w *waiting) add(job int) {
	at, _ := slices.BinarySearchFunc(w.jobs, job, w.order)
	w.jobs = slices.Insert(w.jobs, at, job)
}

func (w *waiting) remove(job int) {
	if at, found := slices.BinarySearchFunc(w.jobs, job, w.order); found {
		w.jobs = slices.Delete(w.jobs, at, at+1)
	}
}

// The back-off of a job that did not fit: it doubles with each attempt. Source: the
// defaults of kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds.
const (
	firstBackoff = Second
	mostBackoff  = 10 * Second
)

// backoff is how long a job is left alone after so many failed attempts.
func backoff(attempts int64) Time {
	if attempts > 4 {
		return mostBackoff
	}
	return min(firstBackoff<<max(0, attempts-1), mostBackoff)
}

// The back-off of a container that ended by itself. Source: kubelet's
// CrashLoopBackOff, 10 seconds doubling up to 5 minutes.
const (
	firstRestart = 10 * Second
	mostRestart  = 5 * Minute
	// maxRestarts is after how many a job is given up: a quarter of an hour.
	maxRestarts = 7
)

func restartDelay(restarts int64) Time {
	if restarts > 5 {
		return mostRestart
	}
	return min(firstRestart<<max(0, restarts-1), mostRestart)
}
