package health

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// What each XID does to a GPU whose first MIG instance it names: nothing, or a taint of
// that instance and of what includes it, or one of everything.
func TestXIDTaints(t *testing.T) {
	const nothing, instance, everything = "nothing", "instance", "everything"
	for want, codes := range map[string][]uint64{
		nothing: {
			8, 11, 13, 14, 25, 31, 32, 37, 38, 39, 40, 41, 43, 44, 45, 54, 60, 63, 66, 67, 68, 69, 70, 71, 72, 75, 76, 77, 78, 80,
			82, 83, 84, 85, 86, 88, 89, 92, 93, 94, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 121,
			126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 137, 139, 141, 142, 147, 148, 154, 157, 159, 160, 161,
			162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172,
			0, 1, 4711, 1 << 40, // unknown
		},
		instance:   {46, 48, 62, 64, 74, 109, 110, 120, 136, 140, 143, 144, 145, 146, 149, 150, 155, 156, 158},
		everything: {79, 95, 119, 151},
	} {
		for _, code := range codes {
			n := newNode(DefaultPolicy(), 2)
			n.xidIn(0, code, 0, mig.Placement{Start: 0, Size: 4})
			hit := map[string]int{nothing: 0, instance: 3, everything: 4}[want]
			got := n.taints()
			if len(got) != hit {
				t.Errorf("XID %d: got taints %v, want %s", code, got, want)
			}
			if _, other := got["gpu-0-mig-3g40gb-9-4"]; other != (want == everything) {
				t.Errorf("XID %d: the other instance is tainted: %v, want %v", code, other, want == everything)
			}
			if notices := n.TakeNotices(); len(notices) == 0 && code != 154 {
				t.Errorf("XID %d: nobody is told", code)
			}
		}
	}
	if got, want := len(xidTable), 109; got != want {
		t.Errorf("the table has %d codes, want the %d of the catalogue", got, want)
	}
}

func TestParseXIDsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"13 application channel":                               "line 1: 3 words",
		"# XIDs\nx reset GPU text":                             `line 2: code "x"`,
		"13 applicaton channel text":                           `unknown class "applicaton"`,
		"13 application all text":                              `unknown radius "all"`,
		"13 reset GPU one\n\n13 reset GPU two":                 "line 3: XID 13 stands there twice",
		"13 drain-and-reset GPU a class that no table row has": `unknown class "drain-and-reset"`,
	} {
		if _, err := parseXIDs(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

func TestCheckPolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*TaintPolicy)
		want   string
	}{
		"default":        {func(*TaintPolicy) {}, ""},
		"no taints":      {func(p *TaintPolicy) { p.Node = "" }, ""},
		"unknown effect": {func(p *TaintPolicy) { p.Lost = "PreferNoSchedule" }, `health policy: Lost: unknown effect "PreferNoSchedule"`},
		"no hold":        {func(p *TaintPolicy) { p.ClearAfter = 0 }, "health policy: ClearAfter: 0s"},
		"longest short":  {func(p *TaintPolicy) { p.LongestClear = 1 }, "health policy: LongestClear: 1ns: must be at least ClearAfter, 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := DefaultPolicy()
			tc.change(&policy)
			got := ""
			if err := CheckPolicy(policy); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tc.want) || (got == "") != (tc.want == "") {
				t.Errorf("(-want +got):\n%s", cmp.Diff(tc.want, got))
			}
		})
	}
}
