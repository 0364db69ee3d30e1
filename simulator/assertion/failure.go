package assertion

import (
	"cmp"
	"fmt"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
)

// Run is one way in which a scenario was run.
type Run struct {
	// Name is what people call it.
	Name string
	// Variant is the scenario's that it is, "" for a scenario without any.
	Variant string
	Policy  string
	// AsWritten says that the run is one that the scenario describes; it is false for one
	// whose policy was replaced.
	AsWritten bool
	// Results has one for each seed.
	Results []*simulator.Result
}

// FindFailures checks assertions against runs, and returns a scenario.FieldError with the
// figures for each pair that does not hold. An assertion about runs that are not there
// is not checked: somebody chose to do without them.
func FindFailures(assertions []scenario.Assertion, runs []Run) []error {
	var failures []error
	for i := range assertions {
		a := &assertions[i]
		metric := metricNamed(a.Metric)
		if metric == nil {
			continue // Check refuses it
		}
		for k := range runs {
			if !isMeant(&runs[k], a.Variant, a.Policy) {
				continue
			}
			for _, problem := range compareRun(metric, a, &runs[k], runs) {
				failures = append(failures, problemAt(fmt.Sprintf("assertions[%d]", i), "%s", problem))
			}
		}
	}
	return failures
}

// isMeant reports whether an assertion about a variant, a policy, both or neither is
// about the run.
func isMeant(run *Run, variant, policy string) bool {
	if variant != "" && run.Variant != variant || policy != "" && run.Policy != policy {
		return false
	}
	return run.AsWritten || variant == "" && policy != ""
}

// compareRun says what of an assertion one run does not hold.
func compareRun(metric *report.RunMetric, a *scenario.Assertion, run *Run, runs []Run) []string {
	var problems []string
	value, has := meanOf(metric, run)
	if !has {
		return []string{fmt.Sprintf("%s of %s: the run has no such figure", metric.Column, run.Name)}
	}
	check := func(holds bool, word string, bound float64, of string) {
		if !holds {
			problems = append(problems, fmt.Sprintf("%s of %s is %s (%s), want %s %s (%s)%s", metric.Column, run.Name,
				metric.FormatValue(value), exactText(value), word, metric.FormatValue(bound), exactText(bound), of))
		}
	}
	if a.AtLeast != nil {
		check(value >= *a.AtLeast, "at least", *a.AtLeast, "")
	}
	if a.AtMost != nil {
		check(value <= *a.AtMost, "at most", *a.AtMost, "")
	}
	for i := range runs {
		other := &runs[i]
		if m := a.AtLeastOf; m != nil && isMeant(other, m.Variant, m.Policy) {
			if bound, has := meanOf(metric, other); has {
				bound *= cmp.Or(m.Times, 1)
				check(value >= bound, "at least", bound, multipleText(m, other))
			}
		}
		if m := a.AtMostOf; m != nil && isMeant(other, m.Variant, m.Policy) {
			if bound, has := meanOf(metric, other); has {
				bound *= cmp.Or(m.Times, 1)
				check(value <= bound, "at most", bound, multipleText(m, other))
			}
		}
	}
	return problems
}

func multipleText(m *scenario.Multiple, other *Run) string {
	if m.Times == 0 || m.Times == 1 {
		return ", that of " + other.Name
	}
	return fmt.Sprintf(", %v times that of %s", m.Times, other.Name)
}

// exactText is a figure in the unit that assertions are written in.
func exactText(v float64) string { return fmt.Sprintf("%.6g", v) }

// meanOf is a figure's mean over the seeds, false if a run has none.
func meanOf(metric *report.RunMetric, run *Run) (float64, bool) {
	sum := 0.0
	for _, result := range run.Results {
		sum += metric.Value(result)
	}
	mean := sum / float64(len(run.Results))
	return mean, mean == mean // which is false for what is not a number
}
