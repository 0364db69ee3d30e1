package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected tables anew")

// The tables of reports as -o json prints them.
func TestDescribe(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			report, err := readReport(file)
			if err != nil {
				t.Fatal(err)
			}
			got := report.describeReport() + "\n"
			expected := file[:len(file)-len(".json")] + ".md"
			if *update {
				if err := os.WriteFile(expected, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Lines of prose end at a word before the limit, rows of tables nowhere.
func TestWrapProse(t *testing.T) {
	row := "| " + strings.Repeat("a ", lineWidth) + "|"
	got := wrapProse(strings.Repeat("word ", 60) + "\n\n" + row)
	full := strings.TrimSpace(strings.Repeat("word ", 28))
	want := full + "\n" + full + "\nword word word word\n\n" + row
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMedianOf(t *testing.T) {
	for name, tc := range map[string]struct {
		values []float64
		want   float64
	}{
		"none": {}, "one": {[]float64{3}, 3}, "odd": {[]float64{9, 1, 2}, 2}, "even": {[]float64{4, 1, 2, 9}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := medianOf(tc.values); got != tc.want {
				t.Errorf("got %g, want %g", got, tc.want)
			}
		})
	}
}

func TestLogTail(t *testing.T) {
	var log logTail
	for range 3 * tailLimit / 10 {
		if n, err := log.Write([]byte("123456789\n")); n != 10 || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = log.Write([]byte("\nthe end\n\n"))
	if got := log.lastLine(); got != "the end" || len(log.text) > tailLimit {
		t.Errorf("last line %q of %d bytes", got, len(log.text))
	}
}
