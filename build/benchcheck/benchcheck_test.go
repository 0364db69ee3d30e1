package main

import (
	"fmt"
	"strings"
	"testing"
)

// benchmarkText is a file of a benchmark that took these nanoseconds and allocations.
func benchmarkText(cpu, name string, nanoseconds []float64, allocations int) string {
	text := "goos: linux\npkg: example.com/a/topology\ncpu: " + cpu + "\n"
	for _, ns := range nanoseconds {
		text += fmt.Sprintf("BenchmarkPlace/%s-2 \t 100\t %v ns/op\t 16 B/op\t %d allocs/op\n", name, ns, allocations)
	}
	return text
}

func TestCompareAll(t *testing.T) {
	steady := []float64{1000, 1010, 990, 1005, 995, 1000}
	wide := []float64{600, 1400, 800, 1200, 1000, 1000}
	times := func(factor float64) []float64 {
		out := make([]float64, len(steady))
		for i := range steady {
			out[i] = factor * steady[i]
		}
		return out
	}
	for name, tc := range map[string]struct {
		recorded, now string
		want          string // of the table
		fails         string
	}{
		"the same": {benchmarkText("x", "a", steady, 3), benchmarkText("x", "a", steady, 3),
			"1.000µ ± 7.071n  1.250µ  1.000µ ± 7.071n  ok", ""},
		"a fifth slower": {benchmarkText("x", "a", steady, 3), benchmarkText("x", "a", times(1.2), 3), "ok", ""},
		"half as slow again": {benchmarkText("x", "a", steady, 3), benchmarkText("x", "a", times(1.5), 3), "WORSE",
			"1 of 3 figures are above their limits"},
		"within a wide spread":      {benchmarkText("x", "a", wide, 3), benchmarkText("x", "a", times(1.5), 3), "ok", ""},
		"one more allocation":       {benchmarkText("x", "a", steady, 3), benchmarkText("x", "a", steady, 4), "WORSE", "1 of 3 figures"},
		"from none to one":          {benchmarkText("x", "a", steady, 0), benchmarkText("x", "a", steady, 1), "WORSE", "1 of 3 figures"},
		"slower on another machine": {benchmarkText("x", "a", steady, 3), benchmarkText("y", "a", times(2), 3), "times are not judged", ""},
		"more on another machine":   {benchmarkText("x", "a", steady, 3), benchmarkText("y", "a", steady, 9), "another CPU", "1 of 2 figures"},
		"gone": {benchmarkText("x", "a", steady, 3), benchmarkText("x", "b", steady, 3), "GONE",
			"3 recorded figures were not measured"},
	} {
		t.Run(name, func(t *testing.T) {
			recorded, err := readMeasurements(strings.NewReader(tc.recorded), "recorded")
			if err != nil {
				t.Fatal(err)
			}
			now, err := readMeasurements(strings.NewReader(tc.now), "now")
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = compareAll(recorded, now, &out)
			if !strings.Contains(out.String(), tc.want) || (err != nil) != (tc.fails != "") ||
				err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("printed\n%s%v, want %q, error %q", &out, err, tc.want, tc.fails)
			}
		})
	}
	if _, err := readMeasurements(strings.NewReader("PASS\n"), "empty"); err == nil {
		t.Error("a file without benchmarks was read")
	}
}
