package main

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
)

// slowestOf is the longest time, in seconds; 0 of none.
func slowestOf(refusals []binding.Refusal) float64 {
	slowest := 0.0
	for _, refusal := range refusals {
		slowest = max(slowest, refusal.Seconds)
	}
	return slowest
}

// formatSlowest is slowestOf in words, which say so if one was not explained at all.
func formatSlowest(refusals []binding.Refusal) string {
	for _, refusal := range refusals {
		if !refusal.Explained {
			return fmt.Sprintf("not within %.0f s", refusal.Seconds)
		}
	}
	return formatSeconds(slowestOf(refusals))
}

// describeRefusals is how soon a pod that fits nowhere is told why.
func (r *benchmarkReport) describeRefusals() string {
	table := markdownTable{columns: []string{
		"a pod that fits nowhere, beside those bound", "created to explained by Ashlar: median", "slowest", "pods",
	}}
	for i := range r.Clusters {
		c := &r.Clusters[i]
		if len(c.Refusals) == 0 {
			continue
		}
		var times []float64
		for _, refusal := range c.Refusals {
			times = append(times, refusal.Seconds)
		}
		table.addRow(sizeCell(c.Size), formatSeconds(medianOf(times)), formatSlowest(c.Refusals), fmt.Sprint(len(times)))
	}
	return table.String()
}

// describeGangs is how soon gangs are bound.
func (r *benchmarkReport) describeGangs() string {
	text := ""
	for _, gang := range r.Gangs {
		text += fmt.Sprintf("A gang of %d pods with a claim each at %s: all are bound %.1f s after the last of them was created (creating them "+
			"takes the API server %.1f s).\n", gang.Pods, sizeCell(gang.Size), gang.Seconds, gang.CreateSeconds)
	}
	return text
}
