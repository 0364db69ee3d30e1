package report

import "strings"

// differenceTable says figure by figure what differs from the first variant over several
// seeds. Best marks what is significant; Text is the mean difference, Range its interval.
type differenceTable struct {
	Note  string
	Heads []string
	Rows  []summaryRow
}

// differencesOf compares every variant with the first; nil where there is only one of these,
// or of seeds.
func differencesOf(policies []policyRuns) *differenceTable {
	if len(policies) < 2 || len(policies[0].runs) < 2 {
		return nil
	}
	t := &differenceTable{Heads: []string{"Figure"}, Note: "Mean of the differences to " + policies[0].Name +
		", seed by seed; small, between what it lies with a confidence of 95 %. Bold is significant: no accident of the draw."}
	for i := range policies[1:] {
		t.Heads = append(t.Heads, policies[i+1].Name)
	}
	for i := range metricSections {
		for k := range metricSections[i].metrics {
			if m := &metricSections[i].metrics[k]; (m.Compared || m.readCurves != nil) && m.heading != "" {
				if row, some := m.differenceRow(policies); some {
					t.Rows = append(t.Rows, row)
				}
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

func (m *RunMetric) differenceRow(policies []policyRuns) (summaryRow, bool) {
	row, some := summaryRow{Name: m.heading}, false
	for i := range policies[1:] {
		d, known := m.pairedDifference(&policies[i+1], &policies[0])
		cell := summaryCell{Text: "–"}
		if known {
			some = some || d.Low != 0 || d.High != 0
			cell = summaryCell{Text: m.signedText(d.Mean), Best: d.IsSignificant(), Range: m.IntervalText(d)}
		}
		row.Cells = append(row.Cells, cell)
	}
	return row, some
}

// IntervalText prints the interval of a difference, "-" where there is none.
func (m *RunMetric) IntervalText(d PairedDifference) string {
	if d.Pairs < 2 {
		return "-"
	}
	return m.signedText(d.Low) + " to " + m.signedText(d.High)
}

// signedText is SignedText of a figure, for the page.
func (m *RunMetric) signedText(v float64) string { return SignedText(m.FormatValue, v) }

// SignedText prints a difference with its sign, and one that is printed as nought without.
func SignedText(format func(float64) string, v float64) string {
	text := format(v)
	if !strings.ContainsAny(text, "123456789") {
		return strings.TrimPrefix(text, "-")
	}
	if v > 0 {
		text = "+" + text
	}
	return text
}
