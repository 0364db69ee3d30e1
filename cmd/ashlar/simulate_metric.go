package main

import (
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
)

// metric is one figure of a run.
type metric struct {
	// name is its column in CSV and JSON, title what people read.
	name, title string
	// of is its value, not a number where there is none; print is for people, of a value
	// or a difference.
	of    func(*simulator.Result) float64
	print func(float64) string
	// compared says that simulate compare shows it.
	compared bool
}

// metrics are the figures of a run, in the order in which they are printed. Figures
// that are 0 in all runs are left out for people.
var metrics = []metric{
	{"finished", "jobs finished", func(r *simulator.Result) float64 { return float64(r.Jobs.Finished) }, whole, false},
	{"running", "still running", func(r *simulator.Result) float64 { return float64(r.Jobs.Running) }, whole, false},
	{"waiting", "still waiting", func(r *simulator.Result) float64 { return float64(r.Jobs.Waiting) }, whole, true},
	{"never_fits", "never fit", failures(simulator.NeverFits), whole, true},
	{"gave_up", "gave up waiting", failures(simulator.GaveUp), whole, true},
	{"failed_memory", "failed, out of memory", failures(simulator.OutOfMemory), whole, true},
	{"out_of_memory", "times out of memory", func(r *simulator.Result) float64 { return float64(r.OutOfMemory) }, whole, false},
	{"wait_mean_s", "wait, mean", func(r *simulator.Result) float64 { return r.All.Waits.Mean.Seconds() }, seconds, true},
	{"wait_p50_s", "wait, median", func(r *simulator.Result) float64 { return r.All.Waits.P50.Seconds() }, seconds, false},
	{"wait_p90_s", "wait, p90", func(r *simulator.Result) float64 { return r.All.Waits.P90.Seconds() }, seconds, false},
	{"wait_p99_s", "wait, p99", func(r *simulator.Result) float64 { return r.All.Waits.P99.Seconds() }, seconds, true},
	{"utilisation", "GPU time allocated", func(r *simulator.Result) float64 { return r.Utilisation }, percent, true},
	{"served", "GPU time well spent", func(r *simulator.Result) float64 { return r.Served }, percent, false},
	{"bandwidth", "of best bandwidth", bandwidth, percent, true},
	{"fragmentation", "free memory out of reach", func(r *simulator.Result) float64 { return r.Fragmentation }, percent, true},
	{"stranded_gib", "memory nobody can use", func(r *simulator.Result) float64 { return float64(r.StrandedBytes) / float64(topology.GiB) }, gibibytes, true},
	{"preemptions", "preempted", func(r *simulator.Result) float64 { return float64(r.Preemptions) }, whole, true},
	{"evictions", "lost with their node", func(r *simulator.Result) float64 { return float64(r.Evictions) }, whole, false},
	{"lost_gpu_hours", "work lost, GPU hours", func(r *simulator.Result) float64 { return r.LostGPUHours }, decimal, true},
	{"reslices", "MIG layouts changed", func(r *simulator.Result) float64 { return float64(r.Reslices) }, whole, true},
	{"gpus_in_use", "GPUs in use", func(r *simulator.Result) float64 { return r.UsedGPUs }, decimal, true},
	{"gpus_in_use_peak", "GPUs in use, most", func(r *simulator.Result) float64 { return float64(r.UsedGPUsPeak) }, whole, false},
	{"dollars_per_hour", "$/hour of them", func(r *simulator.Result) float64 { return r.UsedDollarsPerHour }, money, true},
	{"dollars_per_hour_peak", "$/hour of them, most", func(r *simulator.Result) float64 { return r.UsedDollarsPeak }, money, false},
}

// bandwidth is not a number where no job had several GPUs of a node.
func bandwidth(r *simulator.Result) float64 {
	if r.All.Measured == 0 {
		return math.NaN()
	}
	return r.All.Bandwidth
}

func failures(reason simulator.Failure) func(*simulator.Result) float64 {
	return func(r *simulator.Result) float64 { return float64(r.Jobs.Failures[reason]) }
}

// show prints a value for people.
func (m *metric) show(v float64) string {
	if math.IsNaN(v) {
		return unknown
	}
	return m.print(v)
}

func whole(v float64) string     { return fmt.Sprintf("%.0f", v) }
func decimal(v float64) string   { return fmt.Sprintf("%.1f", v) }
func percent(v float64) string   { return fmt.Sprintf("%.1f%%", 100*v) }
func money(v float64) string     { return fmt.Sprintf("%.2f", v) }
func gibibytes(v float64) string { return fmt.Sprintf("%.1fGiB", v) }

// seconds prints a time shortly, by its two largest units from a minute up.
func seconds(v float64) string {
	t := simulator.Time(math.Round(v * 1000))
	switch {
	case t < 0:
		return "-" + seconds(-v)
	case t >= 10*simulator.Second:
		t = (t + simulator.Second/2) / simulator.Second * simulator.Second
	case t > 0:
		t = max(100, (t+50)/100*100)
	}
	return t.String()
}
