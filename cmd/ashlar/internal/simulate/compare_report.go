package simulate

import (
	"cmp"
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator/report"
)

// runComparison is what simulate compare prints: its JSON form is stable.
type runComparison struct {
	Scenario string  `json:"scenario"`
	About    string  `json:"about,omitempty"`
	Seeds    []int64 `json:"seeds"`
	// Verdict and NotModelled are sentences for people.
	Verdict     []string          `json:"verdict,omitempty"`
	NotModelled []string          `json:"notModelled,omitempty"`
	Rows        []comparisonEntry `json:"rows"`
	// Sharings says of contestants whose holders have limits how GPUs are handed out, by name.
	Sharings []contestantSharing `json:"sharings,omitempty"`
	runs     []report.Run
}

// contestantSharing is how GPUs are handed out under a contestant.
type contestantSharing struct {
	Name    string `json:"name"`
	Sharing string `json:"sharing"`
}

// nameSharings fills in Sharings.
func (c *runComparison) nameSharings(s *scenariofile.File, contestants []comparedRuns) {
	for i := range contestants {
		if sharing := namedSharing(string(s.With(contestants[i].variant).Sharing)); sharing != "" {
			c.Sharings = append(c.Sharings, contestantSharing{contestants[i].Name, sharing})
		}
	}
}

// comparisonEntry is one metric of one contestant.
type comparisonEntry struct {
	Name   string `json:"name"`
	Metric string `json:"metric"`
	// Mean and Deviation are over the seeds; Difference is the mean of the differences to
	// the first contestant, seed by seed, and DifferenceDeviation theirs. Deviations are
	// of the sample, 0 for a single seed.
	Mean                float64 `json:"mean"`
	Deviation           float64 `json:"deviation"`
	Difference          float64 `json:"difference"`
	DifferenceDeviation float64 `json:"differenceDeviation"`
	// Low and High bound the difference with a confidence of 95 %, and Significant says that
	// 0 is not between them. With a single seed both are the difference.
	Low         float64 `json:"differenceLow"`
	High        float64 `json:"differenceHigh"`
	Significant bool    `json:"significant"`
	paired      report.PairedDifference
	// missing says that some run has no such figure.
	missing bool
}

func compareRuns(name string, seeds []int64, contestants []comparedRuns) *runComparison {
	all := &runComparison{Scenario: name, Seeds: seeds}
	for i := range contestants {
		for _, m := range report.TableMetrics() {
			values, reference := make([]float64, len(seeds)), make([]float64, len(seeds))
			missing := false
			for k := range seeds {
				value, first := m.Value(contestants[i].results[k]), m.Value(contestants[0].results[k])
				missing = missing || math.IsNaN(value) || math.IsNaN(first)
				values[k], reference[k] = orZero(value), orZero(first)
			}
			entry := comparisonEntry{Name: contestants[i].Name, Metric: m.Column, paired: report.DifferenceOf(values, reference), missing: missing}
			entry.Mean, entry.Deviation = meanOf(values)
			entry.Difference, entry.DifferenceDeviation = entry.paired.Mean, entry.paired.Deviation
			entry.Low, entry.High, entry.Significant = entry.paired.Low, entry.paired.High, !missing && entry.paired.IsSignificant()
			all.Rows = append(all.Rows, entry)
		}
		for k, seed := range seeds {
			run := report.Run{Name: contestants[i].Name, Seed: seed, Result: contestants[i].results[k]}
			all.runs = append(all.runs, run)
		}
	}
	all.Verdict = report.VerdictSentences(all.runs)
	return all
}

// orZero is a value, 0 where there is none: JSON knows only numbers.
func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// meanOf is the mean and the standard deviation of a sample.
func meanOf(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}

// writeText prints a block for each metric: contestants are rows, so that long names
// and many of them have room.
func (c *runComparison) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	p.Printf("%s, %d seeds; differences to %s, seed by seed; ± is the standard deviation\n", c.Scenario, len(c.Seeds), c.Rows[0].Name)
	for _, line := range cli.WrapText(c.About, cli.PageWidth-2) {
		p.Printf("  %s\n", line)
	}
	p.Printf("\n")
	writeSentences(p, c.Verdict)
	for _, s := range c.Sharings {
		p.Printf("%s: GPUs handed out as %s\n", s.Name, s.Sharing)
	}
	if len(c.Sharings) > 0 {
		p.Printf("\n")
	}
	first := true
	for _, m := range report.TableMetrics() {
		if !m.Compared {
			continue
		}
		rows := [][]string{{strings.ToUpper(m.Title), "MEAN", "", "DIFFERENCE", "INTERVAL 95%", "SIGNIFICANT"}}
		same := true
		for _, row := range c.Rows {
			if row.Metric != m.Column {
				continue
			}
			same = same && row.Mean == 0
			cells := []string{row.Name, m.FormatValue(row.Mean), "± " + m.FormatValue(row.Deviation), cli.Unknown, cli.Unknown, cli.Unknown}
			switch {
			case row.missing:
				cells[1], cells[2] = cli.Unknown, ""
			case len(rows) > 1:
				cells[3], cells[4], cells[5] = report.SignedText(m.FormatValue, row.Difference), m.IntervalText(row.paired), significanceText(&row)
			}
			rows = append(rows, cells)
		}
		if same {
			continue
		}
		if !first {
			p.Printf("\n")
		}
		first = false
		p.PrintTable(rows)
	}
	writeWaits(p, c.runs)
	writeNotModelled(p, c.NotModelled)
	return p.Err()
}

// significanceText answers whether a difference is more than an accident of the draw.
func significanceText(row *comparisonEntry) string {
	switch {
	case row.paired.Pairs < 2:
		return "one seed"
	case row.Significant:
		return "yes"
	}
	return "no"
}

// writeRuns writes a row for each run.
func writeRuns(w io.Writer, name string, seeds []int64, contestants []comparedRuns) error {
	header := []string{"scenario", "name", "policy", "seed"}
	metrics := report.TableMetrics()
	for _, m := range metrics {
		header = append(header, m.Column)
	}
	rows := [][]string{header}
	for i := range contestants {
		for k, seed := range seeds {
			r := contestants[i].results[k]
			row := []string{name, contestants[i].Name, cmp.Or(r.Policy, cli.Unknown), strconv.FormatInt(seed, 10)}
			for _, m := range metrics {
				row = append(row, csvNumber(m.Value(r)))
			}
			rows = append(rows, row)
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}
