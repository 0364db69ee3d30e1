package assertion

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
)

func resultWith(utilisation float64) *simulator.Result {
	return &simulator.Result{Utilisation: utilisation}
}

func TestFindFailures(t *testing.T) {
	runs := []Run{
		{Name: "a", Variant: "a", Policy: "keep-placeable", AsWritten: true, Results: []*simulator.Result{resultWith(0.7), resultWith(0.9)}},
		{Name: "b", Variant: "b", Policy: "random", AsWritten: true, Results: []*simulator.Result{resultWith(0.4), resultWith(0.6)}},
	}
	changed := []Run{{Name: "a", Variant: "a", Policy: "random", Results: []*simulator.Result{resultWith(0.1)}}}
	number := func(v float64) *float64 { return &v }
	for name, tc := range map[string]struct {
		assertion scenario.Assertion
		runs      []Run
		want      []string
	}{
		"holds at the bound": {scenario.Assertion{Variant: "a", AtLeast: number(0.8), AtMost: number(0.8)}, runs, nil},
		"too little": {
			scenario.Assertion{Variant: "b", AtLeast: number(0.6)}, runs,
			[]string{"utilisation of b is 50.0% (0.5), want at least 60.0% (0.6)"},
		},
		"too much": {
			scenario.Assertion{Policy: "keep-placeable", AtMost: number(0.6)}, runs,
			[]string{"utilisation of a is 80.0% (0.8), want at most 60.0% (0.6)"},
		},
		"every run": {
			scenario.Assertion{AtLeast: number(0.9)}, runs,
			[]string{"utilisation of a is 80.0% (0.8)", "utilisation of b is 50.0% (0.5)"},
		},
		"holds beside others": {scenario.Assertion{Variant: "a", AtLeastOf: &scenario.Multiple{Variant: "b", Times: 1.5}}, runs, nil},
		"less than others": {
			scenario.Assertion{Variant: "a", AtLeastOf: &scenario.Multiple{Policy: "random", Times: 2}}, runs,
			[]string{"utilisation of a is 80.0% (0.8), want at least 100.0% (1), 2 times that of b"},
		},
		"more than others": {
			scenario.Assertion{Policy: "keep-placeable", AtMostOf: &scenario.Multiple{Variant: "b"}}, runs,
			[]string{"utilisation of a is 80.0% (0.8), want at most 50.0% (0.5), that of b"},
		},
		"others are not there": {scenario.Assertion{Variant: "a", AtMostOf: &scenario.Multiple{Variant: "c"}}, runs, nil},
		"is not there":         {scenario.Assertion{Variant: "c", AtMost: number(0)}, runs, nil},
		"another combination":  {scenario.Assertion{Variant: "a", Policy: "random", AtMost: number(0)}, runs, nil},
		"changed variant":      {scenario.Assertion{Variant: "a", AtLeast: number(0.5)}, changed, nil},
		"changed runs":         {scenario.Assertion{AtLeast: number(0.5)}, changed, nil},
		"policy of any run": {
			scenario.Assertion{Policy: "random", AtLeast: number(0.5)}, changed,
			[]string{"utilisation of a is 10.0% (0.1)"},
		},
		"no such figure": {
			scenario.Assertion{Metric: "bandwidth", Variant: "a", AtMost: number(0)}, runs,
			[]string{"bandwidth of a: the run has no such figure"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.assertion.Metric == "" {
				tc.assertion.Metric = "utilisation"
			}
			var got []string
			for i, err := range FindFailures([]scenario.Assertion{tc.assertion}, tc.runs) {
				text, found := strings.CutPrefix(err.Error(), "assertions[0]: ")
				if !found {
					t.Errorf("%v names no field", err)
				}
				if i < len(tc.want) && strings.HasPrefix(text, tc.want[i]) {
					text = tc.want[i]
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
