package whatif

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli/clitest"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// recorded is a snapshot of five of the demo's nodes, as ashlar whatif --save wrote it.
const recorded = "testdata/whatif-cluster.json"

// run calls ashlar whatif with the given arguments.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return clitest.RunCommand(t, NewCommand(), args...)
}

func TestWhatifGolden(t *testing.T) {
	tests := map[string][]string{
		"whatif-pairs.txt":            {"-f", "testdata/whatif-pairs.yaml"},
		"whatif-pairs-refused.txt":    {"-f", "testdata/whatif-pairs.yaml", "--copies", "40"},
		"whatif-policies.txt":         {"-f", "testdata/whatif-pairs.yaml", "--policy", "keep-placeable,first-fit,spread"},
		"whatif-drain.txt":            {"--drain", "l40s-0"},
		"whatif-drain-refused.txt":    {"--drain", "l40s-0", "--drain", "l40s-1,v100-0"},
		"whatif-waiting-refused.txt":  {"--waiting"},
		"whatif-gang-refused.txt":     {"-f", "testdata/whatif-gang.yaml", "--copies", "5"},
		"whatif-server.txt":           {"-f", "testdata/whatif-server.yaml"},
		"whatif-server-refused.txt":   {"-f", "testdata/whatif-server.yaml", "--drain", "l40s-0,l40s-1,v100-0"},
		"whatif-served.txt":           {"-f", "testdata/whatif-served.yaml"},
		"whatif-autoscaler.txt":       {"-f", "testdata/whatif-autoscaler.yaml"},
		"whatif-quota-refused.txt":    {"-f", "testdata/whatif-quota.yaml"},
		"whatif-faulty-refused.txt":   {"-f", "testdata/whatif-faulty.yaml"},
		"whatif-pairs.json":           {"-f", "testdata/whatif-pairs.yaml", "--copies", "2", "-o", "json"},
		"whatif-mistakes-refused.txt": {"-f", "testdata/whatif-mistakes.yaml"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			out, _, err := run(t, append([]string{"whatif", "--snapshot", recorded}, tests[name]...)...)
			if refused := strings.Contains(name, "refused"); refused != (err != nil) || err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
				t.Errorf("error %v", err)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(out)) {
				t.Error("is not JSON")
			}
			clitest.CompareGolden(t, name, out)
		})
	}
}

// askedWhatif runs whatif on the recorded snapshot and reads its JSON.
func askedWhatif(t *testing.T, args ...string) *dryrun.PlacementAnswer {
	t.Helper()
	out, _, err := run(t, append([]string{"whatif", "-o", "json", "--snapshot"}, args...)...)
	if err != nil && cli.ExitCode(err) != cli.ExitNothingFits {
		t.Fatalf("%q: %v", args, err)
	}
	var report PlacementReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	return report.Answers[0]
}

// What is saved of a snapshot gives the same answers, and can be saved again.
func TestWhatifSaves(t *testing.T) {
	questions := [][]string{
		{"-f", "testdata/whatif-pairs.yaml", "--copies", "9"}, {"--drain", "a30-0,l40s-0", "--waiting"}, {"-f", "testdata/whatif-server.yaml"},
	}
	saved := filepath.Join(t.TempDir(), "saved.json")
	if _, _, err := run(t, "whatif", "--snapshot", recorded, "--save", saved); err != nil {
		t.Fatal(err)
	}
	for _, question := range questions {
		want, got := askedWhatif(t, append([]string{recorded}, question...)...), askedWhatif(t, append([]string{saved}, question...)...)
		wanted, _ := json.Marshal(want)
		if text, _ := json.Marshal(got); string(text) != string(wanted) {
			t.Errorf("%q: got %s, want %s", question, text, wanted)
		}
	}
	before, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) < len(before)/2 || len(after) > len(before)*2 {
		t.Errorf("%d bytes became %d", len(before), len(after))
	}
}

// A folder of files is one snapshot.
func TestWhatifFolder(t *testing.T) {
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	half := len(list.Items) / 2
	first, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": list.Items[:half]})
	if err != nil {
		t.Fatal(err)
	}
	var documents []string
	for _, item := range list.Items[half:] {
		documents = append(documents, string(item))
	}
	contents := map[string]string{"a.json": string(first), "b.yaml": strings.Join(documents, "\n---\n"), "notes.txt": "not read"}
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, want := askedWhatif(t, folder, "-f", "testdata/whatif-pairs.yaml"), askedWhatif(t, recorded, "-f", "testdata/whatif-pairs.yaml")
	if got.Fit != want.Fit || got.Asked != 4 {
		t.Errorf("%d fit, want %d", got.Fit, want.Fit)
	}
}

// A group starts with as many pods as it needs, of which there are places for three.
func TestWhatifGroups(t *testing.T) {
	text, err := os.ReadFile("testdata/whatif-gang.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		least string
		fit   int
	}{{"3", 3}, {"4", 0}} {
		file := filepath.Join(t.TempDir(), "gang.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), "minMember: 5", "minMember: "+tc.least, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		// The pods of the Job come after the group, and what the group gave back is theirs.
		a := askedWhatif(t, recorded, "-f", file, "-f", "testdata/whatif-pairs.yaml", "--copies", "12")
		fit := 0
		for _, pod := range a.Pods {
			if pod.Node != "" && strings.HasPrefix(pod.Name, "worker") {
				fit++
			}
			if tc.fit > 0 && pod.Node == "v100-0" && strings.HasPrefix(pod.Name, "pairs") {
				t.Errorf("%s is on v100-0, where the group is", pod.Name)
			}
		}
		if fit != tc.fit {
			t.Errorf("at least %s: %d fit, want %d", tc.least, fit, tc.fit)
		}
	}
}

// No device is given twice, and no pod to a drained node.
func TestWhatifGivesDevicesOnce(t *testing.T) {
	a := askedWhatif(t, recorded, "-f", "testdata/whatif-pairs.yaml", "--copies", "40", "--drain", "a10g-0")
	seen := map[string]bool{}
	for _, pod := range a.Pods {
		if pod.Node == "a10g-0" {
			t.Errorf("%s is on a drained node", pod.Name)
		}
		for _, device := range pod.Devices {
			if key := device.Pool + "/" + device.Name; seen[key] {
				t.Errorf("%s is given twice", key)
			} else {
				seen[key] = true
			}
		}
	}
	if a.Fit == 0 || a.Fit == a.Asked {
		t.Errorf("%d of %d fit", a.Fit, a.Asked)
	}
}

func TestWhatifMistakes(t *testing.T) {
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "file.yaml")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	pod := func(spec string) string {
		return file("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}], " + spec + "}\n")
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing asked": {[]string{"--snapshot", recorded}, cli.ExitUsage, "nothing is asked"},
		"two sources":   {[]string{"--snapshot", recorded, "--kubeconfig", "x", "--waiting"}, cli.ExitUsage, "exclude each other"},
		"unknown policy": {
			[]string{"--snapshot", recorded, "--waiting", "--policy", "best"}, cli.ExitUsage,
			`unknown policy "best": want one of keep-placeable`,
		},
		"no copies": {
			[]string{"--snapshot", recorded, "-f", "testdata/whatif-pairs.yaml", "--copies", "0"}, cli.ExitUsage,
			"--copies 0",
		},
		"copies of what": {[]string{"--snapshot", recorded, "--waiting", "--copies", "2"}, cli.ExitUsage, "--copies goes with -f"},
		"unknown output": {[]string{"--snapshot", recorded, "--waiting", "-o", "xml"}, cli.ExitUsage, "want one of table, json, yaml"},
		"unknown node": {
			[]string{"--snapshot", recorded, "--drain", "l40s-7"}, cli.ExitUsage,
			"there is no node l40s-7: the cluster has a10g-0, a30-0",
		},
		"no snapshot": {[]string{"--snapshot", "testdata/none.json", "--waiting"}, cli.ExitUsage, "testdata/none.json"},
		"empty snapshot": {
			[]string{"--snapshot", file(""), "--waiting"}, cli.ExitUsage,
			"no nodes in it: ashlar whatif --save FILE writes one",
		},
		"unknown field": {
			[]string{"--snapshot", recorded, "-f", pod("restartpolicy: Never")}, cli.ExitUsage,
			`Pod p: strict decoding error: unknown field "spec.restartpolicy"`,
		},
		"no template": {
			[]string{"--snapshot", recorded, "-f", pod("resourceClaims: [{name: g, resourceClaimTemplateName: t}]")}, cli.ExitUsage,
			"spec.resourceClaims[0]: there is no ResourceClaimTemplate t in namespace default",
		},
		"no priority class": {
			[]string{"--snapshot", recorded, "-f", pod("priorityClassName: high")}, cli.ExitUsage,
			"there is no PriorityClass high",
		},
		"on a node already": {[]string{"--snapshot", recorded, "-f", pod("nodeName: v100-0")}, cli.ExitUsage, "spec.nodeName is set"},
		"no pods": {
			[]string{"--snapshot", recorded, "-f", file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")}, cli.ExitUsage,
			"no pod in it",
		},
		"kinds of others": {
			[]string{"--snapshot", recorded, "-f", file("apiVersion: example.org/v1\nkind: Fleet\nmetadata: {name: c}\n")}, cli.ExitUsage,
			"Fleet c is not understood",
		},
		"an autoscaler alone": {
			[]string{"--snapshot", recorded, "-f", file("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: c}\n" +
				"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}\n")}, cli.ExitUsage,
			"HorizontalPodAutoscaler c: how far it scales was not looked at, for Deployment web is not in the manifests: add it with -f",
		},
		"a claim of an earlier API": {
			[]string{"--snapshot", recorded, "-f", file("apiVersion: resource.k8s.io/v1alpha3\nkind: ResourceClaim\nmetadata: {name: c}\n" +
				"spec: {devices: {requests: [{name: g, deviceClassName: gpu.ashlar.dev}]}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n" +
				"spec: {resourceClaims: [{name: g, resourceClaimName: c}], containers: [{name: c, image: i}]}\n")}, cli.ExitUsage,
			"file.yaml:1: ResourceClaim c: resource.k8s.io/v1alpha3 is not served for ResourceClaim any more: write apiVersion: " +
				"resource.k8s.io/v1, and put the fields of each request but its name under exactly: " +
				`{name: g, exactly: {"deviceClassName":"gpu.ashlar.dev"}}`,
		},
		"a claim in the form of 1.30": {
			[]string{"--snapshot", recorded, "-f", pod("resourceClaims: [{name: g, source: {resourceClaimTemplateName: t}}]")}, cli.ExitUsage,
			"write resourceClaimName or resourceClaimTemplateName beside the claim's name, without source",
		},
		"two standard input": {[]string{"--snapshot", "-", "-f", "-"}, cli.ExitUsage, "standard input is either"},
		"no kubeconfig":      {[]string{"--kubeconfig", "testdata/none", "--waiting"}, cli.ExitUsage, "testdata/none"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t, append([]string{"whatif"}, tc.args...)...)
			if err == nil || cli.ExitCode(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
