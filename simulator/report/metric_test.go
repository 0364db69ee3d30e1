package report

import (
	"math"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
)

// Every figure is shown somewhere, and the columns are just those of the figures that
// have one.
func TestMetricTable(t *testing.T) {
	var columns []string
	for _, section := range metricSections {
		for i := range section.metrics {
			m := &section.metrics[i]
			switch {
			case m.Column == "" && m.heading == "":
				t.Errorf("a figure of %s has neither a column nor a heading", section.name)
			case (m.Column == "") != (m.Title == ""):
				t.Errorf("column %q has the title %q", m.Column, m.Title)
			case (m.read == nil) == (m.readCurves == nil):
				t.Errorf("%s%s is read in two ways or in none", m.Column, m.heading)
			case m.Column != "" && m.read == nil:
				t.Errorf("column %s cannot be read of a run", m.Column)
			case m.unit == nil:
				t.Errorf("%s%s has no unit", m.Column, m.heading)
			}
			if m.Column != "" {
				columns = append(columns, m.Column)
			}
		}
	}
	want := slices.Sorted(slices.Values(tableColumns))
	slices.Sort(columns)
	if !slices.Equal(want, columns) {
		t.Errorf("figures with columns %q, want %q", columns, want)
	}
}

func TestMetricValues(t *testing.T) {
	result := &simulator.Result{
		All:           simulator.ClassResult{Waits: simulator.Distribution{Count: 2, Mean: 90 * simulator.Second}},
		Jobs:          simulator.JobCounts{Failures: map[simulator.FailureReason]int64{simulator.GaveUp: 3}},
		StrandedBytes: 3 << 29, Utilisation: 0.5,
	}
	want := map[string]struct {
		value float64
		text  string
	}{
		"wait_mean_s":   {90, "1m30s"},
		"gave_up":       {3, "3"},
		"never_fits":    {0, "0"},
		"stranded_gib":  {1.5, "1.5GiB"},
		"utilisation":   {0.5, "50.0%"},
		"gpus_in_use":   {0, "0.0"},
		"served":        {0, "0.0%"},
		"waiting":       {0, "0"},
		"fragmentation": {0, "0.0%"},
	}
	for _, m := range TableMetrics() {
		if m.Column == "bandwidth" {
			if v := m.Value(result); !math.IsNaN(v) || m.FormatValue(v) != "-" {
				t.Errorf("bandwidth is %v, %s, where no job had several GPUs", v, m.FormatValue(v))
			}
			continue
		}
		if w, found := want[m.Column]; found && (m.Value(result) != w.value || m.FormatValue(w.value) != w.text) {
			t.Errorf("%s is %v, %s, want %v, %s", m.Column, m.Value(result), m.FormatValue(w.value), w.value, w.text)
		}
	}
	for v, want := range map[float64]string{0: "0s", 0.0001: "0s", 0.02: "0.1s", 1.26: "1.3s", 12.6: "13s", 3661: "1h1m", -12: "-12s"} {
		if got := PlainDuration(v); got != want {
			t.Errorf("%v seconds are printed %s, want %s", v, got, want)
		}
	}
}
