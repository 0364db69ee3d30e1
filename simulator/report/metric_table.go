package report

import (
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/topology"
)

// metricSection is a part of the page's summary.
type metricSection struct {
	name    string
	metrics []RunMetric
}

// metricSections are all figures of a run, as the page groups them.
var metricSections = []metricSection{
	{"openb experiment", []RunMetric{
		{
			heading: "Allocated at 100 % asked", about: "GPUs held when pods had asked for as many as there are",
			better: moreIsBetter, unit: percentUnit, readCurves: func(r *openb.Result) float64 { return r.At(100).Allocated },
		},
		{
			heading: "Allocated at 130 % asked", about: "GPUs held when pods had asked for 130 % of them",
			better: moreIsBetter, unit: percentUnit, readCurves: func(r *openb.Result) float64 { return r.At(130).Allocated },
		},
		{
			heading: "Fragments at 100 % asked", about: "idle GPUs that the next pod is expected not to be able to use, of all GPUs",
			better: lessIsBetter, unit: percentUnit, readCurves: func(r *openb.Result) float64 { return r.At(100).Fragment },
		},
		{
			heading: "Pods that fitted nowhere", about: "of all that arrived; a large one counts as much as a small one",
			unit: countUnit, readCurves: func(r *openb.Result) float64 { return float64(r.Failed) },
		},
	}},
	{"Waiting", []RunMetric{
		{
			Column: "wait_mean_s", Title: "wait, mean", Compared: true,
			heading: "Wait, mean", about: "from arrival to the first placement; jobs that still wait count with what they have waited",
			better: lessIsBetter, unit: durationUnit, applies: anyWaited, read: waitOf(func(w waitTimes) simulator.Time { return w.Mean }),
		},
		{
			Column: "wait_p50_s", Title: "wait, median",
			heading: "Wait, median",
			better:  lessIsBetter, unit: durationUnit, applies: anyWaited, read: waitOf(func(w waitTimes) simulator.Time { return w.P50 }),
		},
		{
			Column: "wait_p90_s", Title: "wait, p90",
			heading: "Wait, p90",
			better:  lessIsBetter, unit: durationUnit, applies: anyWaited, read: waitOf(func(w waitTimes) simulator.Time { return w.P90 }),
		},
		{
			Column: "wait_p99_s", Title: "wait, p99", Compared: true,
			heading: "Wait, p99",
			better:  lessIsBetter, unit: durationUnit, applies: anyWaited, read: waitOf(func(w waitTimes) simulator.Time { return w.P99 }),
		},
		{
			Column: "start_mean_s", Title: "until ready, mean",
			heading: "Until ready, mean", about: "from arrival until a job has loaded: its wait and its cold start",
			better: lessIsBetter, unit: durationUnit, applies: anyWaited,
			read: func(r *simulator.Result) float64 { return r.All.Starts.Mean.Seconds() },
		},
		{
			Column: "start_p99_s", Title: "until ready, p99",
			heading: "Until ready, p99",
			better:  lessIsBetter, unit: durationUnit, applies: anyWaited,
			read: func(r *simulator.Result) float64 { return r.All.Starts.P99.Seconds() },
		},
		{
			heading: "Wait, longest",
			better:  lessIsBetter, unit: durationUnit, applies: anyWaited, read: waitOf(func(w waitTimes) simulator.Time { return w.Max }),
		},
	}},
	{"Jobs", []RunMetric{
		{
			heading: "Arrived",
			unit:    countUnit, read: func(r *simulator.Result) float64 { return float64(r.Jobs.Arrived) },
		},
		{
			Column: "finished", Title: "jobs finished",
			heading: "Jobs finished",
			better:  moreIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.Jobs.Finished) },
		},
		{
			Column: "running", Title: "still running",
			heading: "Still running",
			unit:    countUnit, read: func(r *simulator.Result) float64 { return float64(r.Jobs.Running) },
		},
		{
			Column: "waiting", Title: "still waiting", Compared: true,
			heading: "Still waiting",
			better:  lessIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.Jobs.Waiting) },
		},
		{
			heading: "Failed", about: "given up; see the reasons below",
			better: lessIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.Jobs.Failed) },
		},
		// The page has a table of these by class.
		{Column: "never_fits", Title: "never fit", Compared: true, unit: countUnit, read: failuresFor(simulator.NeverFits)},
		{Column: "gave_up", Title: "gave up waiting", Compared: true, unit: countUnit, read: failuresFor(simulator.GaveUp)},
		{Column: "failed_memory", Title: "failed, out of memory", Compared: true, unit: countUnit, read: failuresFor(simulator.OutOfMemory)},
	}},
	{"Use of the GPUs", []RunMetric{
		{
			Column: "utilisation", Title: "GPU time allocated", Compared: true,
			heading: "GPU time allocated", about: "part of GPU time that was allocated",
			unit: partUnit, read: func(r *simulator.Result) float64 { return r.Utilisation },
		},
		{
			Column: "served", Title: "GPU time well spent",
			heading: "GPU time well spent", about: "part of GPU time in which work was done that was not lost",
			unit: partUnit, read: func(r *simulator.Result) float64 { return r.Served },
		},
		{
			Column: "stranded_gib", Title: "memory nobody can use", Compared: true,
			heading: "Memory nobody can use", about: "free memory on nodes where no kind of request fits, mean",
			better: lessIsBetter, unit: gibibyteUnit, applies: anySampled,
			read: func(r *simulator.Result) float64 { return float64(r.StrandedBytes) / float64(topology.GiB) },
		},
		{
			Column: "fragmentation", Title: "free memory out of reach", Compared: true,
			heading: "Free memory out of reach", about: "part of the free memory on nodes where a typical request does not fit, mean",
			better: lessIsBetter, unit: partUnit, applies: anySampled, read: func(r *simulator.Result) float64 { return r.Fragmentation },
		},
		{
			Column: "slow_down", Title: "times as long as alone", Compared: true,
			heading: "Times as long as alone", about: "how much longer work took because of others on the same GPU, mean",
			better: lessIsBetter, unit: timesUnit, read: slowDownOf,
		},
		{
			Column: "bandwidth", Title: "of best bandwidth", Compared: true,
			heading: "Of best bandwidth", about: "of the best that a free node would have given, mean over jobs on several GPUs",
			better: moreIsBetter, unit: partUnit, read: bandwidthPart,
		},
	}},
	{"Trouble", []RunMetric{
		{
			Column: "preemptions", Title: "preempted", Compared: true,
			heading: "Preempted", about: "jobs ended for one of higher priority",
			better: lessIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.Preemptions) },
		},
		{
			Column: "evictions", Title: "lost with their node",
			heading: "Lost with their node", about: "jobs ended because their node went",
			better: lessIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.Evictions) },
		},
		{
			Column: "out_of_memory", Title: "times out of memory",
			heading: "Times out of memory", about: "starts that found less GPU memory than they need",
			better: lessIsBetter, unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.OutOfMemory) },
		},
		{
			Column: "crashes", Title: "fatal GPU errors", Compared: true,
			heading: "Fatal GPU errors", about: "of jobs whose containers started again",
			better: lessIsBetter, unit: countUnit, applies: anyCrashed, read: func(r *simulator.Result) float64 { return float64(r.Crashes) },
		},
		{
			Column: "crashed_with", Title: "ended by another's error", Compared: true,
			heading: "Ended by another's error", about: "jobs that a fatal error of another client of their MPS server ended",
			better: lessIsBetter, unit: countUnit, applies: anyCrashed, read: func(r *simulator.Result) float64 { return float64(r.CrashedWith) },
		},
		{
			Column: "moves", Title: "moved", Compared: true,
			heading: "Moved", about: "jobs ended and started elsewhere, so that another fitted",
			better: lessIsBetter, unit: countUnit, applies: anyMoved, read: func(r *simulator.Result) float64 { return float64(r.Moves) },
		},
		{
			Column: "reslices", Title: "MIG layouts changed", Compared: true,
			heading: "MIG layouts changed",
			unit:    countUnit, read: func(r *simulator.Result) float64 { return float64(r.Reslices) },
		},
		{
			Column: "lost_gpu_hours", Title: "work lost, GPU hours", Compared: true,
			heading: "Work lost, GPU hours", about: "GPU-hours that were done and had to be done again",
			better: lessIsBetter, unit: gpuHourUnit, read: func(r *simulator.Result) float64 { return r.LostGPUHours },
		},
	}},
	{"GPUs and dollars", []RunMetric{
		{
			heading: "GPUs in the cluster", about: "at the end",
			unit: countUnit, read: func(r *simulator.Result) float64 { return float64(r.GPUs) },
		},
		{
			Column: "gpus_in_use", Title: "GPUs in use", Compared: true,
			heading: "GPUs in use", about: "of which anything is held, mean",
			better: lessForSameJobs, unit: gpuUnit, read: func(r *simulator.Result) float64 { return r.UsedGPUs },
		},
		{
			Column: "gpus_in_use_peak", Title: "GPUs in use, most",
			heading: "GPUs in use, most",
			unit:    countUnit, read: func(r *simulator.Result) float64 { return float64(r.UsedGPUsPeak) },
		},
		{
			heading: "Cluster per hour", about: "price of all GPUs",
			unit: dollarUnit, applies: anyPriced, read: func(r *simulator.Result) float64 { return r.DollarsPerHour },
		},
		{
			Column: "dollars_per_hour", Title: "$/hour of them", Compared: true,
			heading: "$/hour of them", about: "price of the GPUs in use, mean",
			better: lessForSameJobs, unit: dollarUnit, applies: anyPriced,
			read: func(r *simulator.Result) float64 { return r.UsedDollarsPerHour },
		},
		{
			Column: "dollars_per_hour_peak", Title: "$/hour of them, most",
			heading: "$/hour of them, most",
			unit:    dollarUnit, applies: anyPriced, read: func(r *simulator.Result) float64 { return r.UsedDollarsPeak },
		},
	}},
}

// tableColumns is the order of the figures in tables and CSV, which programs go by.
var tableColumns = []string{
	"finished", "running", "waiting", "never_fits", "gave_up", "failed_memory", "out_of_memory",
	"wait_mean_s", "wait_p50_s", "wait_p90_s", "wait_p99_s",
	"utilisation", "served", "bandwidth", "fragmentation", "stranded_gib",
	"preemptions", "evictions", "lost_gpu_hours", "reslices",
	"gpus_in_use", "gpus_in_use_peak", "dollars_per_hour", "dollars_per_hour_peak",
	"crashes", "crashed_with",
	"moves",
	"start_mean_s", "start_p99_s", "slow_down",
}

type waitTimes = simulator.Distribution

// waitOf reads seconds of the distribution of all waits.
func waitOf(read func(waitTimes) simulator.Time) func(*simulator.Result) float64 {
	return func(r *simulator.Result) float64 { return read(r.All.Waits).Seconds() }
}

func failuresFor(reason simulator.FailureReason) func(*simulator.Result) float64 {
	return func(r *simulator.Result) float64 { return float64(r.Jobs.Failures[reason]) }
}

// bandwidthPart is not a number where no job had several GPUs of a node.
func bandwidthPart(r *simulator.Result) float64 {
	if r.All.Measured == 0 {
		return math.NaN()
	}
	return r.All.Bandwidth
}

// slowDownOf is not a number where nothing slows down.
func slowDownOf(r *simulator.Result) float64 {
	if r.All.SlowDown == 0 {
		return math.NaN()
	}
	return r.All.SlowDown
}

func anyWaited(r *simulator.Result) bool  { return r.All.Waits.Count > 0 }
func anySampled(r *simulator.Result) bool { return len(r.Samples) > 0 }
func anyCrashed(r *simulator.Result) bool { return r.Crashes > 0 }

func anyMoved(r *simulator.Result) bool  { return r.Moves > 0 }
func anyPriced(r *simulator.Result) bool { return r.DollarsPerHour > 0 || r.UsedDollarsPeak > 0 }
