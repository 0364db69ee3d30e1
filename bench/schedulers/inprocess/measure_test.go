package inprocess

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// Both schedulers bind every pod that has room on the fake API server, and Ashlar's, as it is
// shipped, says why a pod fits nowhere.
func TestMeasureBinding(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	shipped, err := workload.ShippedConfiguration(root, "")
	if err != nil {
		t.Fatal(err)
	}
	classes, err := workload.ReadDeviceClasses(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		configuration   string
		explains        bool
		pods, wantBound int
	}{
		"kube-scheduler":      {configuration: workload.StockConfiguration(""), pods: 12, wantBound: 12},
		"ashlar-scheduler":    {configuration: shipped, explains: true, pods: 12, wantBound: 12},
		"more pods than GPUs": {configuration: shipped, explains: true, pods: 30, wantBound: 24},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := MeasureBinding(t.Context(), Job{
				Size: workload.Size{Nodes: 3, Devices: 16}, Configuration: tc.configuration, Classes: classes, Pods: tc.pods,
				Limit: 2 * time.Second, Explains: tc.explains,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := outcome.Binding; got.Bound != tc.wantBound || got.PodsPerSecond() <= 0 || got.MillisecondsPerPod() <= 0 {
				t.Errorf("got %+v", got)
			}
			if outcome.PeakMiB <= 0 {
				t.Errorf("peak memory is %d MiB", outcome.PeakMiB)
			}
			wantRefusals := 0
			if tc.explains {
				wantRefusals = len(workload.Refusals)
			}
			if len(outcome.Refusals) != wantRefusals {
				t.Errorf("%d refusals, want %d", len(outcome.Refusals), wantRefusals)
			}
			for _, refusal := range outcome.Refusals {
				if refusal.Seconds <= 0 || !refusal.Explained {
					t.Errorf("refusal %+v", refusal)
				}
			}
		})
	}
}

// A gang starts as a whole.
func TestMeasureGang(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	shipped, err := workload.ShippedConfiguration(root, "")
	if err != nil {
		t.Fatal(err)
	}
	classes, err := workload.ReadDeviceClasses(root)
	if err != nil {
		t.Fatal(err)
	}
	const pods = 12
	outcome, err := MeasureBinding(t.Context(), Job{
		Size: workload.Size{Nodes: 4, Devices: 16}, Configuration: shipped, Classes: classes, Pods: pods, Gang: true, Limit: 2 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcome.Binding; got.Bound != pods {
		t.Errorf("%d of %d pods are bound", got.Bound, pods)
	}
}
