package simulator

import "slices"

// waitingQueue has the jobs without a place, by index: the highest priority first, then by
// arrival.
type waitingQueue struct {
	jobs []int
	all  []Job
}

// compareJobs says which of two jobs is tried first.
func (w *waitingQueue) compareJobs(a, b int) int {
	x, y := &w.all[a], &w.all[b]
	switch {
	case x.Priority > y.Priority:
		return -1
	case x.Priority < y.Priority:
		return 1
	case x.Arrives != y.Arrives:
		return signOf(int64(x.Arrives - y.Arrives))
	}
	return a - b
}

func signOf(n int64) int {
	if n < 0 {
		return -1
	}
	return 1
}

func (w *waitingQueue) addJob(job int) {
	at, _ := slices.BinarySearchFunc(w.jobs, job, w.compareJobs)
	w.jobs = slices.Insert(w.jobs, at, job)
}

func (w *waitingQueue) removeJob(job int) {
	if at, found := slices.BinarySearchFunc(w.jobs, job, w.compareJobs); found {
		w.jobs = slices.Delete(w.jobs, at, at+1)
	}
}

// The back-off of a job that did not fit: it doubles with each attempt. Source: the
// defaults of kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds.
const (
	firstRetryDelay = Second
	mostRetryDelay  = 10 * Second
)

// retryDelay is how long after so many failed attempts a job is tried again.
func retryDelay(attempts int64) Time {
	if attempts > 4 {
		return mostRetryDelay
	}
	return min(firstRetryDelay<<max(0, attempts-1), mostRetryDelay)
}

// The back-off of a container that ended by itself. Source: kubelet's
// CrashLoopBackOff, 10 seconds doubling up to 5 minutes.
const (
	firstRestartDelay = 10 * Second
	mostRestartDelay  = 5 * Minute
	// maxRestarts is after how many a job is given up: a quarter of an hour.
	maxRestarts = 7
)

func restartDelay(restarts int64) Time {
	if restarts > 5 {
		return mostRestartDelay
	}
	return min(firstRestartDelay<<max(0, restarts-1), mostRestartDelay)
}
