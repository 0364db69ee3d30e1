package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// inGiB writes bytes with two decimals.
func inGiB(bytes topology.Bytes) string { return fmt.Sprintf("%.2f", float64(bytes)/(1<<30)) }

func writeCSV(out io.Writer, results []comparedPeak) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"id", "model", "of", "measured_gib", "predicted_gib", "error_pct", "margin_gib", "within_margin", "settings", "url"}}
	for i := range results {
		c := &results[i]
		rows = append(rows, []string{c.id, c.model, c.of, inGiB(c.measured), inGiB(c.predicted), fmt.Sprintf("%.1f", c.errorPercent()),
			inGiB(c.margin), fmt.Sprint(c.withinMargin()), c.settings, c.url})
	}
	return w.WriteAll(rows)
}

// markdownTable is the table with a summary before it.
func markdownTable(results []comparedPeak) string {
	var text strings.Builder
	sum, counted, within, below := summariseErrors(results), 0, 0, 0
	for i := range results {
		c := &results[i]
		switch {
		case !c.isCounted():
			continue
		case c.withinMargin():
			within++
		case c.predicted < c.measured:
			below++
		}
		counted++
	}
	fmt.Fprintf(&text, "%d published measurements: the error's median is %.1f %%, its largest %.1f %%. %d lie within the margin that the "+
		"account states of itself; of the others, %d took more than predicted and %d less.\n\n", counted, sum.median, sum.most, within, below,
		counted-within-below)
	writeRows(&text, results, true)
	text.WriteString("\nPublished without settings that decide memory, and therefore shown but not counted:\n\n")
	writeRows(&text, results, false)
	return text.String()
}

// writeRows writes the measurements that count, or those that do not.
func writeRows(text *strings.Builder, results []comparedPeak, counted bool) {
	text.WriteString("| measurement | of | settings | measured GiB | predicted GiB | error | within margin |\n|---|---|---|--:|--:|--:|---|\n")
	for i := range results {
		c := &results[i]
		if c.isCounted() != counted {
			continue
		}
		verdict, settings := "yes", c.settings
		if !c.withinMargin() {
			verdict = "no"
		}
		if c.note != "" {
			settings += " (" + c.note + ")"
		}
		fmt.Fprintf(text, "| [%s](%s) | %s | %s | %s | %s | %+.1f %% | %s |\n", c.id, c.url, c.of, settings, inGiB(c.measured),
			inGiB(c.predicted), c.errorPercent(), verdict)
	}
}
