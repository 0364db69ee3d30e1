package main

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// describeAgainst is an earlier stock scheduler beside Ashlar.
func (r *benchmarkReport) describeAgainst() string {
	if r.Against == nil {
		return ""
	}
	c := &r.Against.Cluster
	table := markdownTable{columns: []string{"nodes x devices", "scheduler", "claim pods bound", "within", "pods/s", "ratio"}}
	stock, ours := c.findRuns(stockScheduler, workload.ClaimForm.Name), c.findRuns(ashlarScheduler, workload.ClaimForm.Name)
	for _, row := range []struct {
		runs  *bindingRuns
		name  string
		ratio string
	}{{stock, "kube-scheduler " + r.Against.Version, "1"}, {ours, "Ashlar", formatRatio(ours.medianRatio(stock))}} {
		if row.runs == nil {
			continue
		}
		round := row.runs.Rounds[0]
		table.addRow(sizeCell(c.Size), row.name, fmt.Sprintf("%d of %d", round.Bound, round.Asked), formatSeconds(round.Seconds),
			formatFigure(round.PodsPerSecond()), row.ratio)
	}
	return table.String()
}
