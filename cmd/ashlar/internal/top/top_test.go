package top

import (
	"fmt"
	"testing"

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

// How long it takes to draw and sum up many nodes of eight GPUs, reading the cluster aside: wanted are a thousand
// within a second on two cores.
func BenchmarkTop(b *testing.B) {
	for _, nodes := range []int{100, 1000} {
		objects := clustertest.ManyNodes(b, nodes)
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			defer clustertest.CountCPU(b)()
			for b.Loop() {
				asked := *objects // of which nothing was read yet
				report, err := newReport(b.Context(), &asked, nil, "")
				if err != nil {
					b.Fatal(err)
				}
				if report.Totals.GPUs != 8*nodes || report.Totals.Allocated != 4*nodes {
					b.Errorf("%d GPUs, %d allocated: want %d, %d", report.Totals.GPUs, report.Totals.Allocated, 8*nodes, 4*nodes)
				}
			}
		})
	}
}

// The sums of many nodes are right, of which all but the first are read as copies of one make.
func TestManyNodes(t *testing.T) {
	const nodes = 50
	report, err := newReport(t.Context(), clustertest.ManyNodes(t, nodes), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if report.Totals.GPUs != 8*nodes || report.Totals.Allocated != 4*nodes || report.Free != 4*nodes {
		t.Errorf("%d GPUs, %d allocated, %d free: want %d, %d, %d",
			report.Totals.GPUs, report.Totals.Allocated, report.Free, 8*nodes, 4*nodes, 4*nodes)
	}
	uuids := map[string]bool{}
	for _, node := range report.Nodes {
		for _, gpu := range node.GPUs {
			uuids[gpu.UUID] = true
		}
	}
	if len(uuids) != 8*nodes {
		t.Errorf("%d GPUs have UUIDs of their own, want %d", len(uuids), 8*nodes)
	}
}
