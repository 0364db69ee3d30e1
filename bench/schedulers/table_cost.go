package main

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// claimCost is what a claim pod costs the processes of both schedulers at one size, in
// milliseconds of CPU time.
type claimCost struct {
	where       string
	size        workload.Size
	stock, ours float64
}

// listCosts are the costs on real control planes and then those in process.
func (r *benchmarkReport) listCosts() []claimCost {
	var costs []claimCost
	for i := range r.Clusters {
		c := &r.Clusters[i]
		costs = append(costs, claimCost{
			where: "control plane", size: c.Size,
			stock: c.findRuns(stockScheduler, workload.ClaimForm.Name).medianCPU(),
			ours:  c.findRuns(ashlarScheduler, workload.ClaimForm.Name).medianCPU(),
		})
	}
	for _, size := range r.inProcessSizes() {
		stock, ours := r.findInProcess(size, stockScheduler), r.findInProcess(size, ashlarScheduler)
		costs = append(costs, claimCost{
			where: "in process", size: size, stock: stock.Binding.MillisecondsPerPod(), ours: ours.Binding.MillisecondsPerPod(),
		})
	}
	return costs
}

// describeCost is the CPU time that a claim pod costs, and how it grows with the nodes.
func (r *benchmarkReport) describeCost() string {
	table := markdownTable{columns: []string{
		"CPU time of the scheduler per claim pod", r.columnName(stockScheduler) + ", ms", r.columnName(ashlarScheduler) + ", ms",
	}}
	costs := r.listCosts()
	for _, cost := range costs {
		table.addRow(fmt.Sprintf("%s, %s", sizeCell(cost.size), cost.where), formatFigure(cost.stock), formatFigure(cost.ours))
	}
	return table.String() + "\n" + strings.Join(describeGrowth(costs), " ")
}

// describeGrowth compares the costs at the fewest and at the most nodes of each kind.
func describeGrowth(costs []claimCost) []string {
	type kind struct {
		where   string
		devices int
	}
	least, most, order := map[kind]claimCost{}, map[kind]claimCost{}, []kind{}
	for _, cost := range costs {
		k := kind{cost.where, cost.size.Devices}
		small, known := least[k]
		if !known {
			order = append(order, k)
		}
		if !known || cost.size.Nodes < small.size.Nodes {
			least[k] = cost
		}
		if cost.size.Nodes > most[k].size.Nodes {
			most[k] = cost
		}
	}
	var lines []string
	for _, k := range order {
		small, large := least[k], most[k]
		if small.size.Nodes == large.size.Nodes || small.ours <= 0 || large.ours <= 0 {
			continue
		}
		line := fmt.Sprintf("From %d to %d nodes of %d devices (%s) the cost grows by %s with Ashlar",
			small.size.Nodes, large.size.Nodes, k.devices, k.where, formatRatio(large.ours/small.ours))
		if small.stock > 0 && large.stock > 0 {
			line += fmt.Sprintf(", by %s with kube-scheduler", formatRatio(large.stock/small.stock))
		}
		lines = append(lines, line+".")
	}
	return lines
}
