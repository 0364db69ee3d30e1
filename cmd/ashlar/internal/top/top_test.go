package top

import (
	"context"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustertest"
)

func TestTopStories(t *testing.T) { clustertest.RunStories(t, "testdata/stories", NewCommand) }

func TestDropColumns(t *testing.T) {
	head := []string{"NODE AND MODEL", "GPUS", "ALLOCATED", "FREE", "MEMORY", "FREE MEMORY", "LARGEST SLICE", "STRANDED"}
	tests := map[string]struct{ width, wantColumns int }{
		"no terminal": {0, 8},
		"wide":        {120, 8},
		"narrow":      {70, 6},
		"a phone":     {20, 4},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := len(dropColumns([][]string{head}, tc.width)[0]); got != tc.wantColumns {
				t.Errorf("%d columns, want %d", got, tc.wantColumns)
			}
		})
	}
}

// A thousand nodes of eight GPUs are shown within a second, reading them aside.
func TestManyNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand nodes are left out of -short")
	}
	objects := clustertest.ManyNodes(t, 1000)
	from := time.Now()
	report, err := newReport(context.Background(), objects, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(from)
	t.Logf("1,000 nodes of 8 GPUs drawn and summed in %s", took.Round(time.Millisecond))
	if report.Totals.GPUs != 8000 || report.Totals.Allocated != 4000 {
		t.Errorf("%d GPUs, %d allocated: want 8000, 4000", report.Totals.GPUs, report.Totals.Allocated)
	}
}
