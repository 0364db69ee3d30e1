package simulate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/scenariofile"
	"github.com/ashlar-dev/ashlar/simulator/scenarios"
)

// Every scenario of the program prints what it printed before.
func TestScenariosGolden(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			out, problems, err := run(t, "simulate", name)
			if err != nil || problems != "" {
				t.Fatalf("%v, %q", err, problems)
			}
			clitest.CompareGolden(t, "simulate-"+name+".txt", out)
		})
	}
}

func TestSimulateOutputGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"simulate-outages.csv":         {"outages", "-o", "csv"},
		"simulate-a16-policy.txt":      {"a16-workstation", "--policy", "first-fit", "--variant", "ashlar", "--seed", "7"},
		"simulate-list.txt":            {"list"},
		"simulate-compare.txt":         {"compare", "a16-workstation", "--seeds", "1-3"},
		"simulate-compare-policy.txt":  {"compare", "nvlink-jobs", "--policy", "keep-placeable,random", "--seeds", "1-3"},
		"simulate-compare-sharing.txt": {"compare", "sharing-strategies", "--seeds", "1-2"},
		"simulate-llm-mps.csv":         {"llm-fleet", "--sharing", "mps/2", "-o", "csv"},
		"simulate-compare.csv":         {"compare", "nvlink-jobs", "--policy", "keep-placeable,random", "--seeds", "1-2", "-o", "csv"},
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, err := run(t, append([]string{"simulate"}, args...)...)
			if err != nil || problems != "" {
				t.Fatalf("%v, %q", err, problems)
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

// Without any argument it says something useful.
func TestSimulateDefault(t *testing.T) {
	out, _, err := run(t, "simulate")
	if err != nil || !strings.HasPrefix(out, scenarios.Default+": 1d, ") {
		t.Errorf("%v, %s", err, out)
	}
}

// JSON is whole: samples over time, and frames from which every GPU's state follows.
func TestSimulateJSON(t *testing.T) {
	out, _, err := run(t, "simulate", "mig-mix", "--variant", "first-fit", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var report runReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	r := report.Runs[0].Result
	if len(r.Samples) != 101+1 && len(r.Samples) != 101 || len(r.Snapshots) != len(r.Samples) ||
		len(r.Nodes) != 1 || len(r.Nodes[0].Models) != 8 {
		t.Errorf("%d samples, %d frames, nodes %+v", len(r.Samples), len(r.Snapshots), r.Nodes)
	}
	tile := ""
	for i, frame := range r.Snapshots {
		for _, changed := range frame.Views {
			tile = changed.GPUs
		}
		if words := strings.Fields(tile); len(words) != 8 {
			t.Fatalf("frame %d: %q", i, tile)
		}
	}
}

// The same seed writes the same bytes, another seed others.
func TestSimulateEvents(t *testing.T) {
	folder := t.TempDir()
	log := func(name string, args ...string) string {
		file := filepath.Join(folder, name)
		if _, _, err := run(t, append([]string{"simulate", "gangs", "--variant", "preempting", "--events", file}, args...)...); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := log("a")
	if first != log("b") {
		t.Error("the same seed wrote other bytes")
	}
	if first == log("c", "--seed", "2") {
		t.Error("another seed wrote the same bytes")
	}
	out, _, err := run(t, "simulate", "gangs", "--variant", "preempting", "--events", "-")
	if err != nil || out != first {
		t.Errorf("standard output differs from a file: %v", err)
	}
}

const valid = `apiVersion: ashlar.dev/v1alpha1
kind: Scenario
name: x
horizon: 1d
nodes:
- name: a
  machine: dgx-h100
workloads:
- name: w
  arrivals: {poisson: 6/h}
  duration: {fixed: 1h}
  requests:
  - {gpus: 1}
`

// Whatever is wrong with a scenario, the error names the file, the line and the field.
func TestScenarioMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown field": {
			"horizon: 1d", "horizont: 1d",
			`s.yaml:4:1: horizont: is not a field, did you mean horizon?: want one of apiVersion, kind, name, about`,
		},
		"unknown below": {"{gpus: 1}", "{gpu: 1}", `s.yaml:13:6: workloads[0].requests[0].gpu: is not a field, did you mean gpus?`},
		"twice":         {"horizon: 1d", "horizon: 1d\nhorizon: 2d", `s.yaml:5:1: horizon: occurs twice`},
		"no version": {
			"apiVersion: ashlar.dev/v1alpha1\n", "",
			`s.yaml:1:1: apiVersion: is missing: add the line apiVersion: ashlar.dev/v1alpha1`,
		},
		"another version": {"v1alpha1", "v2", `s.yaml:1:13: apiVersion: "ashlar.dev/v2", want ashlar.dev/v1alpha1`},
		"no kind":         {"kind: Scenario\n", "", `s.yaml:1:1: kind: is missing: add the line kind: Scenario`},
		"another kind":    {"Scenario", "Pod", `s.yaml:2:7: kind: "Pod", want Scenario`},
		"no truth":        {"gpus: 1", "cpuOnly: sure", `s.yaml:13:15: workloads[0].requests[0].cpuOnly: "sure", want true or false`},
		"no truth either": {"fixed: 1h", "untilEnd: sure", `s.yaml:11:24: workloads[0].duration.untilEnd: "sure", want true or false`},
		"metric": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: utilization, atLeast: 0.5}]",
			`s.yaml:5:23: assertions[0].metric: "utilization" is no metric, did you mean utilisation?: want one of finished`,
		},
		"no bound": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served}]",
			`s.yaml:5:14: assertions[0]: want one of atLeast, atMost, atLeastOf and atMostOf`,
		},
		"crossed bounds": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served, atLeast: 2, atMost: 1}]",
			`s.yaml:5:51: assertions[0].atMost: 1 is less than atLeast, 2`,
		},
		"a variant": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served, variant: x, atLeast: 2}]",
			`s.yaml:5:40: assertions[0].variant: "x", but the scenario has no variants`,
		},
		"a policy": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served, policy: best, atLeast: 2}]",
			`s.yaml:5:39: assertions[0].policy: unknown policy "best"`,
		},
		"of nothing": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served, atLeastOf: {times: 2}}]",
			`s.yaml:5:31: assertions[0].atLeastOf: want a variant or a policy to compare with`,
		},
		"times": {
			"horizon: 1d", "horizon: 1d\nassertions: [{metric: served, atMostOf: {policy: random, times: -1}}]",
			`s.yaml:5:65: assertions[0].atMostOf.times: -1, want above 0`,
		},
		"missing":         {"horizon: 1d\n", "", `s.yaml:1:1: horizon: is missing`},
		"no unit":         {"1d", "86400", `s.yaml:4:10: horizon: "86400" is not a length of time: write it like 90s`},
		"negative":        {"1d", "-1d", `s.yaml:4:10: horizon: "-1d" is not`},
		"zero":            {"1d", "0s", `s.yaml:4:10: horizon: is missing or not above 0`},
		"too long":        {"1d", "1000000000000000000d", `s.yaml:4:10: horizon: "1000000000000000000d" is longer than 366d`},
		"not a number":    {"poisson: 6/h", "load: .nan", `s.yaml:10:20: workloads[0].arrivals.load: ".nan", want a number`},
		"infinite":        {"poisson: 6/h", "load: .inf", `s.yaml:10:20: workloads[0].arrivals.load: ".inf", want a number`},
		"load":            {"poisson: 6/h", "load: 1e18", `s.yaml:10:20: workloads[0].arrivals.load: 1e+18, want above 0`},
		"rate":            {"6/h", "1e18/h", `s.yaml:10:23: workloads[0].arrivals.poisson: "1e18/h" is not a rate`},
		"rate of nothing": {"6/h", "NaN/h", `s.yaml:10:23: workloads[0].arrivals.poisson: "NaN/h" is not a rate`},
		"two arrivals": {
			"poisson: 6/h", "poisson: 6/h, every: 1h",
			`s.yaml:10:3: workloads[0].arrivals: want exactly one of poisson, load, every and at, 2 are given`,
		},
		"no request": {
			"  - {gpus: 1}", "  - {weight: 1}",
			`s.yaml:13:5: workloads[0].requests[0]: want exactly one of gpus, mig, share, model and cpuOnly, none is given`,
		},
		"GPUs":            {"gpus: 1", "gpus: 1e18", `s.yaml:13:12: workloads[0].requests[0].gpus: "1e18", want a whole number`},
		"many GPUs":       {"gpus: 1", "gpus: 17", `s.yaml:13:12: workloads[0].requests[0].gpus: 17, want 0 to 16`},
		"weight":          {"gpus: 1", "gpus: 1, weight: -1", `s.yaml:13:23: workloads[0].requests[0].weight: -1, want above 0`},
		"unknown machine": {"dgx-h100", "dgx-h101", `s.yaml:7:12: nodes[0].machine: unknown machine "dgx-h101": the nearest is dgx-h100`},
		"unknown profile": {"gpus: 1", "mig: 9g.9gb", `s.yaml:13:11: workloads[0].requests[0].mig: no GPU has profile "9g.9gb"`},
		"unknown product": {
			"gpus: 1", "gpus: 1, products: [H1000]",
			`s.yaml:13:26: workloads[0].requests[0].products[0]: unknown GPU model "H1000"`,
		},
		"unknown model": {
			"gpus: 1", "model: {name: nobody/nothing}",
			`s.yaml:13:20: workloads[0].requests[0].model.name: model "nobody/nothing" is not in the catalogue`,
		},
		"share of nothing": {"gpus: 1", "share: {compute: 100}", `s.yaml:13:6: workloads[0].requests[0].share.memory: is missing`},
		"share": {
			"gpus: 1", "share: {memory: 1e30GiB}",
			`s.yaml:13:22: workloads[0].requests[0].share.memory: "1e30GiB" is more memory than can be counted`,
		},
		"many nodes": {
			"  machine: dgx-h100", "  machine: dgx-h100\n  count: 20001",
			`s.yaml:8:10: nodes[0].count: 20001, want 0 to 20000`,
		},
		"many jobs": {"6/h", "3600000/h", `s.yaml:10:3: workloads[0].arrivals: makes more than 1000000 jobs until 1d`},
		"unknown policy": {
			"horizon: 1d", "horizon: 1d\npolicy: best",
			`s.yaml:5:9: policy: unknown policy "best": want one of keep-placeable`,
		},
		"unknown sharing": {
			"horizon: 1d", "horizon: 1d\nsharing: time-slicing/0",
			`s.yaml:5:10: sharing: "time-slicing/0": want 1 to 100 replicas after time-slicing/`,
		},
		"no number":  {"horizon: 1d", "horizon: 1d\nsharing: mps", `s.yaml:5:10: sharing: "mps": want 1 to 48 clients after mps/`},
		"no integer": {"horizon: 1d", "horizon: 1d\nsharing: mps/2.5", `s.yaml:5:10: sharing: "mps/2.5": want 1 to 48 clients after mps/`},
		"a sign":     {"horizon: 1d", "horizon: 1d\nsharing: mps/+4", `s.yaml:5:10: sharing: "mps/+4": want 1 to 48 clients after mps/`},
		"past int64": {"horizon: 1d", "horizon: 1d\nsharing: mps/99999999999999999999", `"mps/99999999999999999999": want 1 to 48 clients`},
		"replicas":   {"horizon: 1d", "horizon: 1d\nsharing: time-slicing/101", `sharing: "time-slicing/101": want 1 to 100 replicas`},
		"MPS clients": {
			"horizon: 1d", "horizon: 1d\nsharing: mps/49",
			`s.yaml:5:10: sharing: "mps/49": want 1 to 48 clients after mps/: an MPS server has no more`,
		},
		"no sharing": {
			"horizon: 1d", "horizon: 1d\nsharing: vgpu/4",
			`s.yaml:5:10: sharing: "vgpu/4": want ashlar, whole, time-slicing/N, mps/N, PROFILE/time-slicing/N or PROFILE/mps/N`,
		},
		"a mixture": {
			"horizon: 1d", "horizon: 1d\nsharing: time-slicing/2/mps/2",
			`s.yaml:5:10: sharing: "time-slicing/2/mps/2": a GPU is shared in one way at a time: want one of time-slicing/N and mps/N`,
		},
		"slices alone": {
			"horizon: 1d", "horizon: 1d\nvariants: [{name: a, sharing: 3g.40gb}]",
			`s.yaml:5:31: variants[0].sharing: "3g.40gb": how many share a slice? 3g.40gb/time-slicing/1 gives each to one holder`,
		},
		"several profiles": {
			"horizon: 1d", "horizon: 1d\nsharing: 3g.40gb+4g.40gb/mps/2",
			`s.yaml:5:10: sharing: "3g.40gb+4g.40gb/mps/2" for nodes[0]: H100-SXM5-80GB has no MIG profile 3g.40gb+4g.40gb: want one of 1g.10gb, `,
		},
		"no profile": {
			"horizon: 1d", "horizon: 1d\nsharing: half/mps/2",
			`s.yaml:5:10: sharing: "half/mps/2": "half" is no MIG profile: they are written like 3g.20gb`,
		},
		"another GPU's profile": {
			"horizon: 1d", "horizon: 1d\nvariants:\n- {name: a}\n- {name: b, sharing: 3g.20gb/time-slicing/2}",
			`s.yaml:7:22: variants[1].sharing: "3g.20gb/time-slicing/2" for nodes[0]: H100-SXM5-80GB has no MIG profile 3g.20gb: ` +
				`want one of 1g.10gb, `,
		},
		"clients on a slice": {
			"horizon: 1d", "horizon: 1d\nsharing: 1g.10gb/mps/7",
			`s.yaml:5:10: sharing: "1g.10gb/mps/7" for nodes[0]: 7 clients on a slice of 1 of the 7 compute slices of H100-SXM5-80GB: ` +
				`MPS serves 6 there at most`,
		},
		"no MIG": {
			"  machine: dgx-h100", "  gpu: L4\nsharing: 3g.20gb/time-slicing/2",
			`s.yaml:8:10: sharing: "3g.20gb/time-slicing/2" for nodes[0]: L4 has no MIG, or no capture shows its profiles: ` +
				`it cannot be cut into 3g.20gb`,
		},
		"MPS before Volta": {
			"  machine: dgx-h100", "  gpu: P100-SXM2-16GB\nsharing: mps/2",
			`s.yaml:8:10: sharing: "mps/2" for nodes[0]: P100-SXM2-16GB has compute capability 6.0: ` +
				`MPS limits the memory of its clients from 7.0 on (Volta)`,
		},
		"one pool of two": {
			"- name: a\n  machine: dgx-h100", "- {name: a, machine: dgx-h100}\n- {name: b, gpu: T4}\nsharing: 1g.10gb/time-slicing/2",
			`s.yaml:8:10: sharing: "1g.10gb/time-slicing/2" for nodes[1]: T4 has no MIG`,
		},
		"unknown job": {
			"horizon: 1d", "horizon: 1d\nevents:\n- {at: 1h, crash: w-9999}",
			`s.yaml:6:19: events[0].crash: no job is called "w-9999": with seed 0 workload w has 118, called w-0 to w-117`,
		},
		"unknown workload": {
			"horizon: 1d", "horizon: 1d\nevents:\n- {at: 1h, crash: v-0}",
			`s.yaml:6:19: events[0].crash: no job is called "v-0": they are called by their workload and number from 0, like w-0`,
		},
		"a crash that lasts": {
			"horizon: 1d", "horizon: 1d\nevents:\n- {at: 1h, crash: w-0, for: 1h}",
			`s.yaml:6:29: events[0].for: goes with fail and drain: a job that crashes starts again after its back-off`,
		},
		"two events in one": {
			"horizon: 1d", "horizon: 1d\nevents:\n- {at: 1h, crash: w-0, fail: a-0}",
			`s.yaml:6:3: events[0]: want exactly one of fail, drain and crash, 2 are given`,
		},
		"unknown node": {
			"horizon: 1d", "horizon: 1d\nevents:\n- {at: 1h, fail: b-0}",
			`s.yaml:6:18: events[0].fail: no node is called "b-0": they are called a-0 to a-0`,
		},
		"price": {
			"  machine: dgx-h100", "  machine: dgx-h100\n  price: -1",
			`s.yaml:8:10: nodes[0].price: -1, want dollars from 0 to 1000`,
		},
		"a list":    {"- name: a\n  machine: dgx-h100", "  name: a", `s.yaml:6:3: nodes: want a list`},
		"a word":    {"{fixed: 1h}", "1h", `s.yaml:11:13: workloads[0].duration: want fields`},
		"an anchor": {"{fixed: 1h}", "&a {fixed: 1h}", `s.yaml:11:13: workloads[0].duration: anchors and aliases are not read`},
		"not YAML":  {"horizon: 1d", "horizon: [", `s.yaml:4:10: is not YAML: sequence end token`},
		"samples":   {"horizon: 1d", "horizon: 1d\nsample: 1s", `s.yaml:5:9: sample: 1s of 1d are more than 1000 samples`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(valid, tc.old, tc.new, 1)
			if text == valid {
				t.Fatal("changes nothing")
			}
			file := filepath.Join(t.TempDir(), "s.yaml")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			out, _, err := run(t, "simulate", file)
			if err == nil || !strings.Contains(err.Error(), tc.want) || out != "" {
				t.Errorf("got %v\nwant %s\nprinted %q", err, tc.want, out)
			}
			if cli.ExitCode(err) != cli.ExitUsage {
				t.Errorf("exit code %d", cli.ExitCode(err))
			}
		})
	}
	if _, err := scenariofile.Decode("s.yaml", []byte(valid)); err != nil {
		t.Error(err)
	}
}

// All mistakes are said at once, and none of them twice.
func TestScenarioAllMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"decoded and checked": {`horizont: 1d
nodes:
- {name: a, machine: dgx-h100, count: -1}
- {name: a, gpus: 2}
workloads:
- name: w
  arrivals: {poisson: never, every: 1h}
  duration: {fixed: 1h}
  requests: [{gpus: 17, weight: -1}, {gpu: 1}]
policy: best
`, `s.yaml:1:1: horizont: is not a field, did you mean horizon?: want one of ` +
			`apiVersion, kind, name, about, horizon, sample, seed, policy, demand, sharing, slowDown, preemption, defragmentation, ` +
			`reslice, nodes, ` +
			`workloads, events, variants, assertions
s.yaml:1:1: name: "", want a name of 1 to 100 letters, digits, - _ and .
s.yaml:3:39: nodes[0].count: -1, want 0 to 20000
s.yaml:4:10: nodes[1].name: "a" occurs twice
s.yaml:4:19: nodes[1].gpus: 2 of what? name the model with gpu
s.yaml:7:23: workloads[0].arrivals.poisson: "never" is not a rate above 0 and up to 1000/s: write it like 12/h, 0.5/m or 300/d
s.yaml:9:21: workloads[0].requests[0].gpus: 17, want 0 to 16
s.yaml:9:33: workloads[0].requests[0].weight: -1, want above 0 and up to 1e+09
s.yaml:9:39: workloads[0].requests[1].gpu: is not a field, did you mean gpus?: want one of ` +
			`name, weight, gpus, bandwidth, mig, share, model, cpuOnly, products, uses, grows, cpu, memory
s.yaml:10:9: policy: unknown policy "best": want one of ` + strings.Join(cli.PolicyNames(), ", ")},
		"names of the catalogue": {strings.NewReplacer("dgx-h100", "dgx-h101", "{gpus: 1}", "{mig: 9g.9gb, products: [H1000]}").Replace(valid),
			`s.yaml:7:12: nodes[0].machine: unknown machine "dgx-h101": the nearest is dgx-h100, dgx-a100; all 32 are shown by ashlar topology list
s.yaml:13:11: workloads[0].requests[0].mig: no GPU has profile "9g.9gb": ashlar topology mig GPU lists them, like 1g.10gb
s.yaml:13:30: workloads[0].requests[0].products[0]: unknown GPU model "H1000": all 42 are shown by ashlar topology list`},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "s.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, _, err := run(t, "simulate", file)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, strings.ReplaceAll(err.Error(), folder+string(filepath.Separator), "")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSimulateScenarioCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown scenario": {[]string{"mig"}, `no scenario, file or subcommand is called "mig": the nearest is mig-mix`},
		"unknown policy":   {[]string{"--policy", "best"}, `--policy: unknown policy "best"`},
		"unknown variant":  {[]string{"gangs", "--variant", "x"}, "--variant x: want one of preempting, waiting"},
		"no variants":      {[]string{"outages", "--variant", "x"}, "--variant x: scenario outages has no variants"},
		"events of many": {
			[]string{"gangs", "--events", "x"},
			"--events is of one run: choose one of the variants preempting, waiting with --variant",
		},
		"unknown format": {[]string{"-o", "xml"}, `--output "xml": want one of table, json, yaml, csv`},
		"two scenarios":  {[]string{"gangs", "outages"}, `want one SCENARIO, got ["gangs" "outages"]`},
		"two ways":       {[]string{"gangs", "--scenario", "outages"}, "SCENARIO gangs and --scenario outages: name one"},
		"sharing":        {[]string{"--sharing", "mps/0"}, `--sharing "mps/0": want 1 to 48 clients after mps/`},
		"frames":         {[]string{"--frames", "-1"}, "--frames -1: want 0 to 20000"},
		"replay nothing": {[]string{"replay"}, "--nodes is missing: give it a node list"},
		"replay no pods": {[]string{"replay", "--nodes", "x"}, "--pods is missing: give it a pod list with times"},
		"replay window":  {[]string{"replay", "--nodes", "x", "--pods", "x", "--window", "19"}, `--window: "19" is not a length of time`},
		"policy twice":   {[]string{"compare", "--policy", "random,random"}, "--policy: random is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t, append([]string{"simulate"}, tc.args...)...)
			if err == nil || !strings.Contains(err.Error(), tc.want) || cli.ExitCode(err) != cli.ExitUsage {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
