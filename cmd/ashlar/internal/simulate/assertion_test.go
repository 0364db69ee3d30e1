package simulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
)

// What the program's scenarios are to show, they show, with the seeds that compare takes
// unless told otherwise. TestScenariosGolden runs them with their own seed.
func TestScenariosHoldTheirAssertions(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := scenarios.Text(name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := scenariofile.Decode(name, text)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Assertions) < 3 {
				t.Errorf("%d assertions, want some that say what it is for", len(s.Assertions))
			}
			args := []string{"simulate", "compare", name}
			if testing.Short() {
				args = append(args, "--seeds", "1-2")
			}
			if _, _, err := run(t, args...); err != nil {
				t.Error(err)
			}
		})
	}
}

// Assertions that do not hold are said after the output, with figures, and the command
// fails.
func TestAssertionsFail(t *testing.T) {
	text := strings.Replace(valid, "horizon: 1d\n", "horizon: 1d\nvariants: [{name: a}, {name: b, policy: random}]\n"+
		"assertions:\n- {metric: finished, variant: a, atLeast: 1000}\n- {metric: waiting, atMost: 0}\n"+
		"- {metric: finished, variant: a, atMostOf: {variant: b, times: 0.5}}\n- {metric: finished, policy: random, atMost: 1}\n", 1)
	folder := t.TempDir()
	file := filepath.Join(folder, "s.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"run": {[]string{file}, []string{
			"s.yaml:7:3: assertions[0]: finished of a is 110 (110), want at least 1000 (1000)",
			"s.yaml:9:3: assertions[2]: finished of a is 110 (110), want at most 55 (55), 0.5 times that of b",
			"s.yaml:10:3: assertions[3]: finished of b is 110 (110), want at most 1 (1)",
		}},
		"compare": {[]string{"compare", file, "--seeds", "0"}, []string{
			"s.yaml:7:3: assertions[0]: finished of a is 110 (110), want at least 1000 (1000)",
			"s.yaml:9:3: assertions[2]: finished of a is 110 (110), want at most 55 (55), 0.5 times that of b",
			"s.yaml:10:3: assertions[3]: finished of b is 110 (110), want at most 1 (1)",
		}},
		"left out": {
			[]string{file, "--variant", "b"},
			[]string{"s.yaml:10:3: assertions[3]: finished of b is 110 (110), want at most 1 (1)"},
		},
		"another policy":  {[]string{file, "--policy", "first-fit"}, nil},
		"compared policy": {[]string{"compare", file, "--policy", "first-fit,packing", "--seeds", "0"}, nil},
		"events": {
			[]string{file, "--variant", "b", "--events", "-"},
			[]string{"s.yaml:10:3: assertions[3]: finished of b is 110 (110), want at most 1 (1)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, append([]string{"simulate"}, tc.args...)...)
			var got []string
			if err != nil {
				got = strings.Split(strings.ReplaceAll(err.Error(), folder+string(filepath.Separator), ""), "\n")
				if cli.ExitCode(err) != cli.ExitNothingFits {
					t.Errorf("exit code %d", cli.ExitCode(err))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || out == "" {
				t.Errorf("printed %d bytes, (-want +got)\n%s", len(out), diff)
			}
		})
	}
}
