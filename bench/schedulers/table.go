package main

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// describeReport is the report as docs/results/schedulers.md has it.
func (r *benchmarkReport) describeReport() string {
	var parts []string
	for _, part := range []string{
		r.describeHeadline(), r.describeCircumstances(), r.describeRates(), r.describeForms(), r.describeInProcess(), r.describeCost(),
		r.describeRefusals(), r.describeGangs(), r.describeMemory(), r.describeAgainst(), r.describeDevicePlugin(),
	} {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return wrapProse(strings.Join(parts, "\n\n"))
}

// describeHeadline is the first cluster's ratio against the newest stock scheduler.
func (r *benchmarkReport) describeHeadline() string {
	if len(r.Clusters) == 0 {
		return ""
	}
	c := &r.Clusters[0]
	claims := workload.ClaimForm.Name
	ours, stock := c.findRuns(ashlarScheduler, claims), c.findRuns(stockScheduler, claims)
	ceiling := c.findRuns(stockScheduler, workload.PlainForm.Name)
	if ours.medianRate() == 0 || stock.medianRate() == 0 || ceiling.medianRate() == 0 {
		return ""
	}
	return fmt.Sprintf("**At %d nodes x %d devices Ashlar binds %s pods with a claim each per second, %s times as many as kube-scheduler "+
		"%s (%s), and %.0f %% of what that binds of pods without GPUs (%s), which is as fast as this machine is.**",
		c.Size.Nodes, c.Size.Devices, formatFigure(ours.medianRate()), formatRatio(ours.medianRatio(stock)), r.Kubernetes,
		formatFigure(stock.medianRate()), 100*ours.medianRate()/ceiling.medianRate(), formatFigure(ceiling.medianRate()))
}

// describeCircumstances is what all figures have in common.
func (r *benchmarkReport) describeCircumstances() string {
	machine := fmt.Sprintf("%d cores, %s, %s", r.Cores, r.Go, r.Date)
	if r.Against != nil {
		return fmt.Sprintf("On a control plane of Kubernetes %s, at most %.0f s from the first pod bound; %s",
			r.Against.Version, r.Limit, machine)
	}
	if len(r.Clusters) == 0 {
		return machine
	}
	first := r.Clusters[0].Runs[0].Rounds
	text := fmt.Sprintf("%d cores shared with etcd and the API server, %s, %s. kube-scheduler has its default configuration and no limit of "+
		"requests, Ashlar what it is installed with. Up to %d pods at a time, the schedulers in turn; "+
		"timed from the first pod bound to the last; one that takes longer than %.0f s is stopped and rated by what it has "+
		"bound until then.", r.Cores, r.Go, r.Date, first[0].Asked, r.Limit)
	if len(first) > 1 {
		text += fmt.Sprintf(" At %d x %d the median of %d rounds.", r.Clusters[0].Size.Nodes, r.Clusters[0].Size.Devices, len(first))
	}
	seen := map[int]bool{}
	for i := range r.Clusters {
		size := r.Clusters[i].Size
		if !seen[size.Devices] {
			seen[size.Devices] = true
			text += fmt.Sprintf(" %d devices: %s.", size.Devices, size.DescribeNodes())
		}
	}
	return text
}

// columnName is a scheduler in the head of a column.
func (r *benchmarkReport) columnName(scheduler schedulerName) string {
	if scheduler == stockScheduler {
		return "kube-scheduler " + r.Kubernetes
	}
	return "Ashlar"
}

// sizeCell is a size in a row.
func sizeCell(size workload.Size) string { return fmt.Sprintf("%d x %d", size.Nodes, size.Devices) }
