package validation

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
)

// All faults are named at once, each by its field.
func TestValidateDevicePlacementArgs(t *testing.T) {
	sound := config.DevicePlacementArgs{Policy: "first-fit", ExplainTimeout: metav1.Duration{Duration: time.Minute}, MaxExplainedNodes: 1}
	for name, tc := range map[string]struct {
		change func(*config.DevicePlacementArgs)
		want   []string
	}{
		"sound": {func(*config.DevicePlacementArgs) {}, nil},
		"unknown policy": {
			func(a *config.DevicePlacementArgs) { a.Policy = "firstfit" },
			[]string{`args.policy: Invalid value: "firstfit": want one of keep-placeable, first-fit`},
		},
		"no time": {
			func(a *config.DevicePlacementArgs) { a.ExplainTimeout.Duration = 0 },
			[]string{`args.explainTimeout: Invalid value: "0s": want more than 0 and at most 1m`},
		},
		"all at once": {func(a *config.DevicePlacementArgs) {
			*a = config.DevicePlacementArgs{ExplainTimeout: metav1.Duration{Duration: time.Hour}, ScoreSpan: 101}
		}, []string{
			`args.policy: Invalid value: ""`, `args.explainTimeout: Invalid value: "1h0m0s"`,
			"args.maxExplainedNodes: Invalid value: 0: want at least 1", "args.scoreSpan: Invalid value: 101: want 0 to 100",
		}},
		"negative span": {func(a *config.DevicePlacementArgs) { a.ScoreSpan = -1 }, []string{"args.scoreSpan: Invalid value: -1"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := sound
			tc.change(&args)
			err := ValidateDevicePlacementArgs(field.NewPath("args"), &args)
			if len(tc.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}
