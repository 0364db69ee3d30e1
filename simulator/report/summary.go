package report

import "slices"

// summarySection is a part of the summary.
type summarySection struct {
	Name string
	Rows []summaryRow
}

// summaryRow is one figure for every policy.
type summaryRow struct {
	Name, About string
	Cells       []summaryCell
}

// summaryCell is the mean over the seeds, and the least and the most of them.
type summaryCell struct {
	Text, Range string
	Best        bool
}

// summaryOf leaves out what no run has.
func summaryOf(policies []policyRuns) []summarySection {
	var sections []summarySection
	for i := range metricSections {
		s := summarySection{Name: metricSections[i].name}
		for k := range metricSections[i].metrics {
			m := &metricSections[i].metrics[k]
			if m.heading == "" {
				continue
			}
			if r, some := m.rowFor(policies); some {
				s.Rows = append(s.Rows, r)
			}
		}
		if len(s.Rows) > 0 {
			sections = append(sections, s)
		}
	}
	return sections
}

func (m *RunMetric) rowFor(policies []policyRuns) (summaryRow, bool) {
	r := summaryRow{Name: m.heading, About: m.about}
	values := make([]float64, len(policies))
	has := make([]bool, len(policies))
	some := false
	for i := range policies {
		var sum, low, high float64
		count := 0
		for k := range policies[i].runs {
			x, found := m.ofRun(&policies[i].runs[k])
			if !found {
				continue
			}
			if count == 0 {
				low, high = x, x
			}
			sum, low, high = sum+x, min(low, x), max(high, x)
			count++
		}
		c := summaryCell{Text: "–"}
		if count > 0 {
			some, has[i] = true, true
			values[i] = sum / float64(count)
			c.Text = m.unit.page(values[i])
			if least, most := m.unit.page(low), m.unit.page(high); count > 1 && least != most {
				c.Range = least + " – " + most
			}
		}
		r.Cells = append(r.Cells, c)
	}
	if m.better == lessForSameJobs {
		served := make([]float64, len(policies))
		for i := range policies {
			served[i] = policies[i].servedJobs()
		}
		for i := range has {
			has[i] = has[i] && served[i] == slices.Max(served)
		}
	}
	if m.better != neitherWay {
		markBest(r.Cells, values, has, m.better)
		m.markAlike(r.Cells, policies)
	}
	return r, some && !allZero(r.Cells, m)
}

// allZero reports whether a figure is 0 everywhere, which is not worth a row.
func allZero(cells []summaryCell, m *RunMetric) bool {
	return !slices.ContainsFunc(cells, func(c summaryCell) bool { return c.Text != m.unit.page(0) && c.Text != "–" })
}

// markAlike marks what cannot be told from the best over seeds as well, and nothing if that
// is all there is.
func (m *RunMetric) markAlike(cells []summaryCell, policies []policyRuns) {
	best := slices.IndexFunc(cells, func(c summaryCell) bool { return c.Best })
	if best < 0 || len(policies[best].runs) < 2 {
		return
	}
	all := true
	for i := range cells {
		if !cells[i].Best && m.better != lessForSameJobs {
			d, known := m.pairedDifference(&policies[i], &policies[best])
			cells[i].Best = known && !d.IsSignificant()
		}
		all = all && cells[i].Best
	}
	for i := range cells {
		cells[i].Best = cells[i].Best && !all
	}
}

// pairedDifference compares the figure of two policies seed by seed, if both have it for the same seeds.
func (m *RunMetric) pairedDifference(p, reference *policyRuns) (PairedDifference, bool) {
	if len(p.runs) != len(reference.runs) {
		return PairedDifference{}, false
	}
	var values, others []float64
	for k := range p.runs {
		value, has := m.ofRun(&p.runs[k])
		other, hasOther := m.ofRun(&reference.runs[k])
		if !has || !hasOther || p.runs[k].Seed != reference.runs[k].Seed {
			return PairedDifference{}, false
		}
		values, others = append(values, value), append(others, other)
	}
	return DifferenceOf(values, others), true
}

// servedJobs is how many jobs finished or run at the end, over all runs.
func (p *policyRuns) servedJobs() float64 {
	served := 0
	for i := range p.runs {
		if result := p.runs[i].Result; result != nil {
			served += int(result.Jobs.Finished + result.Jobs.Running)
		}
	}
	return float64(served)
}

// markBest marks the best cells, unless all are the same.
func markBest(cells []summaryCell, values []float64, has []bool, better betterWay) {
	best := -1
	for i := range values {
		if has[i] && (best < 0 || (values[i]-values[best])*float64(better) > 0) {
			best = i
		}
	}
	differ := false
	for i := range cells {
		differ = differ || has[i] && cells[i].Text != cells[best].Text
	}
	for i := range cells {
		cells[i].Best = differ && has[i] && cells[i].Text == cells[best].Text
	}
}
