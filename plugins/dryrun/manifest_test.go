package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const podFields = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"

// Manifests are read as everybody writes them, in YAML with anchors or in JSON.
func TestReadManifest(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(podFields), "\n", "\n  ") + "\n"
	for name, tc := range map[string]struct {
		text string
		want int // workloads
	}{
		"a pod":              {podFields, 1},
		"empty documents":    {"# nothing\n---\n---\nnull\n---\n" + podFields + "...\n", 1},
		"two pods":           {podFields + "---\n" + podFields, 2},
		"a list":             {list, 1},
		"a list of a kind":   {"apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: p}\n  spec: {containers: [{name: c, image: i}]}\n", 1},
		"an empty list":      {"apiVersion: v1\nkind: List\n", 0},
		"an alias":           {strings.Replace(podFields, "{name: p}", "{name: &n p, labels: {a: *n}}", 1), 1},
		"JSON, with tabs":    {"{\n\t\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"p\"}, \"spec\": {}\n}\n", 1},
		"a Secret is passed": {"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n" + podFields, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &AppliedManifest{}
			if err := m.ReadObjects("m.yaml", []byte(tc.text), "default"); err != nil {
				t.Fatal(err)
			}
			if got := len(m.Workloads); got != tc.want {
				t.Errorf("%d workloads, want %d", got, tc.want)
			}
		})
	}
}

// What kubectl get writes of a running workload is asked about once: not by what it has made, too.
func TestReadWhatWasMade(t *testing.T) {
	const owned = "---\napiVersion: %s\nkind: %s\nmetadata: {name: %s, " +
		"ownerReferences: [{apiVersion: apps/v1, kind: %s, name: %s, controller: %t}]}\n" +
		"spec: {nodeName: n0, selector: {}, template: {spec: {containers: [{name: c, image: i}]}}}\n"
	text := deploymentText("web", 1) + fmt.Sprintf(owned, "apps/v1", "ReplicaSet", "web-1", "Deployment", "web", true) +
		fmt.Sprintf(owned, "v1", "Pod", "web-1-a", "ReplicaSet", "web-1", true) +
		strings.Replace(fmt.Sprintf(owned, "apps/v1", "ReplicaSet", "other", "Deployment", "none", true), "nodeName: n0, ", "", 1) +
		strings.Replace(fmt.Sprintf(owned, "apps/v1", "ReplicaSet", "free", "Deployment", "web", false), "nodeName: n0, ", "", 1)
	m := &AppliedManifest{}
	if err := m.ReadObjects("m.yaml", []byte(text), "default"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range m.Workloads {
		got = append(got, w.Title())
	}
	got = append(got, m.Notes...)
	want := []string{
		"Deployment web", "ReplicaSet other", "ReplicaSet free", "ReplicaSet web-1, Pod web-1-a: left out, for objects beside them make them",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads and notes (-want +got):\n%s", diff)
	}
}

// Two objects of one name are asked about both, and it is said that there can only be one.
func TestReadSameName(t *testing.T) {
	m := &AppliedManifest{}
	other := strings.Replace(podFields, "name: p", "name: p, namespace: other", 1)
	if err := m.ReadObjects("m.yaml", []byte(podFields+"---\n"+other+"---\n"+podFields), "default"); err != nil {
		t.Fatal(err)
	}
	want := []string{"m.yaml:11: Pod p: there is one of this name at m.yaml:1; " +
		"applied, this one would take its place, and both were asked about"}
	if diff := cmp.Diff(want, m.Notes); diff != "" || len(m.Workloads) != 3 {
		t.Errorf("%d workloads, notes (-want +got):\n%s", len(m.Workloads), diff)
	}
}

// What is wrong with a manifest is said with its line.
func TestReadManifestFaults(t *testing.T) {
	unknown := podFields + "---\n" + strings.Replace(podFields, "image", "imag", 1)
	for name, tc := range map[string]struct{ text, want string }{
		"no kind":          {podFields + "---\n# second\na: b\n", "m.yaml:7: no kind and apiVersion: want Kubernetes objects"},
		"an unknown field": {unknown, `m.yaml:6: Pod p: strict decoding error: unknown field "spec.containers[0].imag"`},
		"a field twice":    {podFields + "kind: Pod\n", "m.yaml:5:1: kind: occurs twice"},
		"no YAML":          {podFields + "a: [\n", "m.yaml:5:4: is not YAML: sequence end token ']' not found"},
		"a group of nobody": {
			strings.Replace(podFields, "apiVersion: v1\nkind: Pod", "apiVersion: app/v1\nkind: Deployment", 1),
			"m.yaml:1: Deployment p: there is no Deployment in app/v1: write apiVersion: apps/v1",
		},
		"the core for a group": {
			strings.Replace(podFields, "kind: Pod", "kind: Job", 1), "m.yaml:1: Job p: there is no Job in v1: write apiVersion: batch/v1",
		},
		"a kind in small letters": {
			strings.Replace(podFields, "kind: Pod", "kind: pod", 1),
			"m.yaml:1: pod p: there is no pod in v1: write kind: Pod",
		},
		"small letters and no group": {
			strings.Replace(podFields, "kind: Pod", "kind: statefulset", 1),
			"m.yaml:1: statefulset p: there is no statefulset in v1: write apiVersion: apps/v1 and kind: StatefulSet",
		},
		"a kind of others in other letters": {
			"apiVersion: jobset.x-k8s.io/v1alpha2\nkind: Jobset\nmetadata: {name: s}\nspec: {}\n",
			"m.yaml:1: Jobset s: there is no Jobset in jobset.x-k8s.io/v1alpha2: write kind: JobSet",
		},
		"a node": {"apiVersion: v1\nkind: Node\nmetadata: {name: n}\n", "m.yaml:1: Node n: belongs into a snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&AppliedManifest{}).ReadObjects("m.yaml", []byte(tc.text), "default")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}
