package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
)

const (
	smallNodes = "testdata/openb_node_list_small.csv"
	smallPods  = "testdata/openb_pod_list_small.csv"
)

// run calls ashlar simulate with the given arguments.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return clitest.RunCommand(t, NewCommand(), args...)
}

// The CPU time is of the machine at the time: it is left out of golden files.
var cpuTime = map[string]*regexp.Regexp{
	".csv": regexp.MustCompile(`(?m)[0-9.]+$`), ".json": regexp.MustCompile(`("cpu_seconds": )[0-9.e-]+`),
	".txt": regexp.MustCompile(`(?m)[0-9.]+$`),
}

func TestSimulateGolden(t *testing.T) {
	small := []string{"simulate", "openb", "--nodes", smallNodes, "--pods", smallPods}
	for name, args := range map[string][]string{
		"openb.csv":      {"--policy", strings.Join(nodePolicyNames(), ","), "--seeds", "42-43", "-o", "csv"},
		"openb.txt":      {"--policy", "ashlar,fgd", "--seeds", "1,5,9-12"},
		"openb.json":     {"-o", "json"},
		"openb-both.csv": {"--pods", "testdata/openb-other.csv", "--policy", "fgd", "-o", "csv"},
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, err := run(t, append(slices.Clone(small), args...)...)
			if err != nil || problems != "" {
				t.Fatalf("%v, %q", err, problems)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(out)) {
				t.Error("is not JSON")
			}
			clitest.CompareGolden(t, name, cpuTime[filepath.Ext(name)].ReplaceAllString(out, "${1}TIME"))
		})
	}
}

func TestSimulateMistakes(t *testing.T) {
	openb := func(args ...string) []string { return append([]string{"simulate", "openb"}, args...) }
	small := func(args ...string) []string {
		return openb(append([]string{"--nodes", smallNodes, "--pods", smallPods}, args...)...)
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown experiment": {[]string{"simulate", "openc"}, cli.ExitUsage, "the nearest is openb"},
		"argument":           {small("x"), cli.ExitUsage, "see ashlar simulate openb --help"},
		"no nodes":           {openb("--pods", smallPods), cli.ExitUsage, "--nodes is missing: give it a node list"},
		"no pods":            {openb("--nodes", smallNodes), cli.ExitUsage, "--pods is missing: give it a pod list"},
		"unknown policy":     {small("--policy", "fgd,best"), cli.ExitUsage, `--policy: unknown policy "best": want one of ashlar, fgd`},
		"policy twice":       {small("--policy", "fgd,fgd"), cli.ExitUsage, "--policy: fgd is there twice"},
		"no policy":          {small("--policy", ""), cli.ExitUsage, "--policy is empty"},
		"trace twice":        {small("--pods", "x/small.csv"), cli.ExitUsage, "would both be called small in the results: rename one"},
		"seed":               {small("--seeds", "x"), cli.ExitUsage, `want seeds like 42, 42-51 or 1,5,9-12, not "x"`},
		"empty seed":         {small("--seeds", "1,,2"), cli.ExitUsage, `not ""`},
		"negative seed":      {small("--seeds", "-1"), cli.ExitUsage, `not "-1"`},
		"seeds backwards":    {small("--seeds", "5-3"), cli.ExitUsage, `not "5-3"`},
		"many seeds":         {small("--seeds", "0-9223372036854775807"), cli.ExitUsage, "more than 10000 seeds"},
		"many lists":         {small("--seeds", "1-9000,1-9000"), cli.ExitUsage, "more than 10000 seeds"},
		"unknown format":     {small("-o", "xml"), cli.ExitUsage, `--output "xml": want one of table, csv, json, yaml`},
		"no such file":       {openb("--nodes", "missing.csv", "--pods", smallPods), cli.ExitUsage, "missing.csv"},
		"files swapped": {
			openb("--nodes", smallPods, "--pods", smallNodes), cli.ExitUsage,
			"openb_pod_list_small.csv:1: sn: the column is missing",
		},
		"broken file": {
			openb("--nodes", smallNodes, "--pods", "testdata/openb-broken.csv"), cli.ExitUsage,
			`openb-broken.csv:3: gpu_milli: "0.5" is not a whole number`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, tc.args...)
			if err == nil {
				t.Fatalf("no error, printed %q", out)
			}
			if code := cli.ExitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
			if out != "" {
				t.Errorf("printed %q beside the error", out)
			}
		})
	}
}

// Ctrl-C ends it without half a result.
func TestSimulateStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var out bytes.Buffer
	command := clitest.RootCommand(NewCommand())
	command.SetArgs([]string{"simulate", "openb", "--nodes", smallNodes, "--pods", smallPods, "--seeds", "1-1000"})
	command.SetOut(&out)
	if err := command.ExecuteContext(ctx); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("%v, printed %q", err, out.String())
	}
}

func TestSeedList(t *testing.T) {
	for text, want := range map[string]seedList{
		"42": {42}, "42-44": {42, 43, 44}, "9-10, 1,5": {1, 5, 9, 10}, "3,3,1-3": {1, 2, 3}, "0": {0},
		"9223372036854775806-9223372036854775807": {9223372036854775806, 9223372036854775807},
	} {
		var got seedList
		if err := got.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestTraceName(t *testing.T) {
	for file, want := range map[string]string{
		"x/openb_pod_list_default.csv": "default", "pods.csv": "pods", "a.b.csv": "a.b", "openb_pod_list_.csv": "openb_pod_list_", "pods": "pods",
	} {
		if got := traceName(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

// A shard is run under the flag's former name too, which is told on standard error.
func TestShardFlags(t *testing.T) {
	shardOf := func(flag string) (out, problems string) {
		t.Helper()
		out, problems, err := run(t, "simulate", "openb", "--nodes", smallNodes, "--pods", smallPods, "--seeds", "1-4", "-o", "csv", flag, "1/2")
		if err != nil {
			t.Fatal(err)
		}
		return cpuTime[".csv"].ReplaceAllString(out, "TIME"), problems
	}
	want, problems := shardOf("--shard")
	if strings.Count(want, "\n") != 3 || problems != "" {
		t.Errorf("--shard 1/2 of four runs printed %q, %q", want, problems)
	}
	if got, problems := shardOf("--part"); !strings.HasSuffix(got, want) || !strings.Contains(got+problems, "it is called --shard now") {
		t.Errorf("--part 1/2 printed %q, %q, want %q", got, problems, want)
	}
	help, _, err := run(t, "simulate", "openb", "--help")
	if err != nil || strings.Contains(help, "--part") || !strings.Contains(help, "--shard INDEX/SHARDS") {
		t.Errorf("help %s, %v", help, err)
	}
}
