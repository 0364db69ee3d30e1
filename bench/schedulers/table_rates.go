package main

import (
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// describeRates are the forms that every cluster is measured with.
func (r *benchmarkReport) describeRates() string {
	stock, ours := r.columnName(stockScheduler), r.columnName(ashlarScheduler)
	table := markdownTable{columns: []string{
		"nodes x devices", "claim pods/s: " + stock, ours, "ratio", "pods without GPUs/s: " + stock, ours, "ratio",
	}}
	for i := range r.Clusters {
		c := &r.Clusters[i]
		cells := []string{sizeCell(c.Size)}
		for _, form := range []string{workload.ClaimForm.Name, workload.PlainForm.Name} {
			cells = append(cells, c.rateCells(form, r.Limit)...)
		}
		table.addRow(cells...)
	}
	return table.String()
}

// rateCells are the rates of both schedulers with a form, and their ratio. limit is what they
// had, in seconds.
func (r *clusterReport) rateCells(form string, limit float64) []string {
	stock, ours := r.findRuns(stockScheduler, form), r.findRuns(ashlarScheduler, form)
	return []string{
		formatRate(stock.medianRate(), limit), formatRate(ours.medianRate(), limit), formatRatio(ours.medianRatio(stock)),
	}
}

// formatRate is pods per second; where fewer than two pods were bound within the limit, in
// seconds, it is a bound.
func formatRate(rate, limit float64) string {
	if rate <= 0 {
		return "< " + formatFigure(1/limit)
	}
	return formatFigure(rate)
}

// describeForms are the forms of requests at the first cluster.
func (r *benchmarkReport) describeForms() string {
	stock, ours := r.columnName(stockScheduler), r.columnName(ashlarScheduler)
	table := markdownTable{}
	for i := range r.Clusters {
		c := &r.Clusters[i]
		for _, form := range append([]workload.Form{workload.ClaimForm}, workload.OtherForms()...) {
			if c.findRuns(ashlarScheduler, form.Name) == nil || len(c.Runs) <= 2*2 {
				continue // only clusters with more forms than describeRates has
			}
			table.columns = []string{"request, at " + sizeCell(c.Size), stock + ", pods/s", ours + ", pods/s", "ratio"}
			table.addRow(append([]string{form.Words}, c.rateCells(form.Name, r.Limit)...)...)
		}
	}
	return table.String()
}
