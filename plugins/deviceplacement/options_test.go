package deviceplacement

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	scheduler "k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestOptionsFrom(t *testing.T) {
	standard := Options{
		Policy: placement.KeepPlaceable{}, ExplainTimeout: time.Second, MaxExplainedNodes: 64, Forecast: true, ScoreSpan: 100, Candidates: 8,
	}
	changed := defaultArgs()
	changed.Policy, changed.Forecast, changed.ScoreSpan, changed.MaxExplainedNodes, changed.Candidates = "spread", false, 20, 3, 0
	wrong := &config.DevicePlacementArgs{Policy: "none", ScoreSpan: 200, Candidates: -1}
	for name, tc := range map[string]struct {
		args       runtime.Object
		want       Options
		wantErrors []string
	}{
		"none":         {nil, standard, nil},
		"the defaults": {defaultArgs(), standard, nil},
		"others": {
			changed, Options{Policy: placement.Spread{}, ExplainTimeout: time.Second, MaxExplainedNodes: 3, ScoreSpan: 20}, nil,
		},
		"another plugin's": {
			&scheduler.DynamicResourcesArgs{}, Options{},
			[]string{"arguments of DevicePlacement: want DevicePlacementArgs, got *config.DynamicResourcesArgs"},
		},
		"several faults": {wrong, Options{}, []string{"policy", "explainTimeout", "maxExplainedNodes", "scoreSpan", "candidates"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := optionsFrom(tc.args)
			if (err != nil) != (len(tc.wantErrors) > 0) {
				t.Fatalf("error %v, want one with %q", err, tc.wantErrors)
			}
			for _, want := range tc.wantErrors {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(standard, DefaultOptions()); diff != "" {
		t.Errorf("default options (-want +got):\n%s", diff)
	}
}
