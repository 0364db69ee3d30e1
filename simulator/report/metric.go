package report

import (
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
)

// RunMetric is one figure of a run: how it is read, and what tables and the page call it.
type RunMetric struct {
	// Column is its name in CSV and JSON, Title what tables in text call it. Both are ""
	// for a figure that only the page has.
	Column, Title string
	// Compared says that a comparison of runs in text shows it.
	Compared bool

	// heading is its name on the page, "" for a figure that only tables have; about
	// explains it.
	heading, about string
	better         betterWay
	unit           *metricUnit
	// read is the figure, not a number where a run has none. It is nil for one that
	// readCurves reads of an openb experiment.
	read       func(*simulator.Result) float64
	readCurves func(*openb.Result) float64
	// applies reports whether the page shows it for a run; nil for all runs.
	applies func(*simulator.Result) bool
}

// betterWay says which of two figures is better.
type betterWay int

const (
	lessIsBetter betterWay = -1
	neitherWay   betterWay = 0
	moreIsBetter betterWay = 1
	// lessForSameJobs is less among the variants that served the most jobs: who serves fewer needs fewer GPUs.
	lessForSameJobs betterWay = -2
)

// Value is the figure of a run: a count, a part of 1, GPUs, GPU-hours, seconds, GiB or
// dollars an hour, as Column says. It is not a number where the run has none.
func (m *RunMetric) Value(r *simulator.Result) float64 { return m.read(r) }

// FormatValue prints a value, or a difference of two, for people; "-" if there is none.
func (m *RunMetric) FormatValue(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return m.unit.plain(v)
}

// ofRun is the figure as the page shows it, and false if the run has none.
func (m *RunMetric) ofRun(run *Run) (float64, bool) {
	if m.readCurves != nil {
		if run.Curves == nil {
			return 0, false
		}
		return m.readCurves(run.Curves), true
	}
	if run.Result == nil || m.applies != nil && !m.applies(run.Result) {
		return 0, false
	}
	v := m.read(run.Result)
	return v, !math.IsNaN(v)
}

// TableMetrics are the figures of a run that tables have, in the order of their columns.
func TableMetrics() []*RunMetric {
	byColumn := map[string]*RunMetric{}
	for i := range metricSections {
		section := &metricSections[i]
		for k := range section.metrics {
			byColumn[section.metrics[k].Column] = &section.metrics[k]
		}
	}
	all := make([]*RunMetric, len(tableColumns))
	for i, column := range tableColumns {
		all[i] = byColumn[column]
	}
	return all
}
