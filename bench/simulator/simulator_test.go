package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both scenarios run at any size.
func TestScenariosRun(t *testing.T) {
	for _, s := range []sizedScenario{migMix, mixedJobs} {
		t.Run(s.name, func(t *testing.T) {
			file, err := s.writeSized(t.TempDir(), heading, 20, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := playScenario(context.Background(), file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadArrived(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int64
		err  string
	}{
		"of the CLI":     {text: "scenario,seed,arrived,policy\nmig-mix,1,507136,keep-placeable\n", want: 507136},
		"of this one":    {text: "arrived\n12\n", want: 12},
		"nothing ran":    {text: "arrived\n", err: "1 lines"},
		"another column": {text: "jobs\n12\n", err: `no column "arrived"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readArrived(bytes.NewBufferString(tc.text))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got error %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %d, %v; want %d", got, err, tc.want)
			}
		})
	}
}

func TestParseSizes(t *testing.T) {
	got, err := parseSizes("100,2000,")
	if diff := cmp.Diff([]int{100, 2000}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, wrong := range []string{"0", "many", "10,-1"} {
		if _, err := parseSizes(wrong); err == nil {
			t.Errorf("%q is taken for numbers of nodes", wrong)
		}
	}
}
