package main

import (
	"slices"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// inProcessSizes are the sizes measured in process, in order.
func (r *benchmarkReport) inProcessSizes() []workload.Size {
	var sizes []workload.Size
	for i := range r.InProcess {
		if !slices.Contains(sizes, r.InProcess[i].Size) {
			sizes = append(sizes, r.InProcess[i].Size)
		}
	}
	return sizes
}

// findInProcess is what a scheduler reached in process at a size; zero if it was not measured.
func (r *benchmarkReport) findInProcess(size workload.Size, scheduler schedulerName) inProcessPoint {
	for i := range r.InProcess {
		if r.InProcess[i].Size == size && r.InProcess[i].Scheduler == scheduler {
			return r.InProcess[i]
		}
	}
	return inProcessPoint{}
}

// describeInProcess are the measurements without an API server.
func (r *benchmarkReport) describeInProcess() string {
	stock, ours := r.columnName(stockScheduler), r.columnName(ashlarScheduler)
	table := markdownTable{columns: []string{
		"in process", "claim pods/s: " + stock, ours, "ratio", "refusal explained by " + ours + ", slowest",
	}}
	for _, size := range r.inProcessSizes() {
		theirs, own := r.findInProcess(size, stockScheduler), r.findInProcess(size, ashlarScheduler)
		ratio := 0.0
		if rate := theirs.Binding.PodsPerSecond(); rate > 0 {
			ratio = own.Binding.PodsPerSecond() / rate
		}
		table.addRow(sizeCell(size), formatRate(theirs.Binding.PodsPerSecond(), r.Limit), formatRate(own.Binding.PodsPerSecond(), r.Limit),
			formatRatio(ratio), formatSlowest(own.Refusals))
	}
	text := table.String()
	if text == "" {
		return ""
	}
	return "In process: the scheduler's own caches, informers, queue and plugins over a client without an API server, all in one process, " +
		"whose CPU time counts whole. Pods are created once it has taken up the nodes.\n\n" + text
}
