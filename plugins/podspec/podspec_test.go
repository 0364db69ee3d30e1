package podspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manifest = `# a comment before
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {a: outer, b: outer}}
spec:
  template:
    metadata: {annotations: {a: inner}}
    spec:
      initContainers:
      - {name: first, image: busybox}
      containers:
      - name: web
        image: nginx
        args: ["1", "yes", on]
        resources: {limits: {nvidia.com/mig-1g.10gb: 1, nvidia.com/mig-1g.10gb.me.shared: 2, cpu: 500m}}
---
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: big}
spec:
  leaderWorkerTemplate:
    size: 2
    leaderTemplate: {spec: {containers: [{name: a}]}}
    workerTemplate: {spec: {containers: [{name: b}]}}
---
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: llama}
spec:
  predictor:
    model:
      modelFormat: {name: huggingface}
      storageUri: hf://me/mine
      args: [--max-model-len=8192]
---
containers: [{name: loose}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {containers: none}
`

func TestReadPods(t *testing.T) {
	pods, err := ReadPods("all.yaml", []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	type podFacts struct {
		Where, Containers, Annotations string
		Profiles                       []string
	}
	var got []podFacts
	for _, pod := range pods {
		facts := podFacts{Where: pod.Where(), Profiles: pod.MIGProfiles()}
		for _, c := range pod.Spec.InitContainers {
			facts.Containers += "(" + c.Name + ") "
		}
		for _, c := range pod.Spec.Containers {
			facts.Containers += c.Name + " " + c.Image + " " + strings.Join(c.Args, ",")
		}
		facts.Annotations = pod.Annotations["a"] + " " + pod.Annotations["b"] + pod.Annotations[storageAnnotation]
		got = append(got, facts)
	}
	want := []podFacts{
		{"all.yaml:12: Deployment web", "(first) web nginx 1,yes,on", "inner outer", []string{"1g.10gb", "1g.10gb+me"}},
		{"all.yaml:23: LeaderWorkerSet big, leaderTemplate", "a  ", " ", nil},
		{"all.yaml:24: LeaderWorkerSet big, workerTemplate", "b  ", " ", nil},
		{"all.yaml:33: InferenceService llama", "kserve-container kserve/huggingfaceserver --max-model-len=8192", " hf://me/mine", nil},
		{"all.yaml:37: object without a kind", "loose  ", " ", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

// Lists are taken apart, also those whose items name no kind; JSON is read too.
func TestReadObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"documents": {manifest, []string{
			"f:2: Deployment web", "f:17: LeaderWorkerSet big", "f:27: InferenceService llama", "f:37", "f:39: ConfigMap settings",
		}},
		"list": {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", []string{"f:4: Pod a"}},
		"PodList": {
			"apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
			[]string{"f:4: Pod a", "f:5: Pod b"},
		},
		"no list":   {"apiVersion: my.org/v1\nkind: AllowList\nmetadata: {name: x}\nitems: [1]\n", []string{"f:1: AllowList x"}},
		"JSON":      {`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}}`, []string{"f:1: Pod a"}},
		"no object": {"# nothing\n", nil},
		"alias":     {"apiVersion: v1\nkind: Pod\nmetadata: &m {name: a}\nspec: {copy: *m}\n", []string{"f:1: Pod a"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := ReadObjects("f", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range objects {
				got = append(got, object.Where())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAsJSON(t *testing.T) {
	const list = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n  spec: {hostNetwork: true, priority: 7}\n"
	objects, err := ReadObjects("f", []byte(list))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	got, err := objects[0].AsJSON()
	const want = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostNetwork":true,"priority":7}}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestManifestMistakes(t *testing.T) {
	const header = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
	for name, tc := range map[string]struct{ text, want string }{
		"not YAML":        {"a: b\nc: [\n", "f:2:"},
		"number":          {header + "  - name: c\n    args: [--port, 8080]\n", "f:7: Pod a: args: 8080 is no text in YAML: put it in quotes"},
		"boolean":         {header + "  - {name: c, command: [true]}\n", "f:6: Pod a: command: true is no text"},
		"field of a kind": {header + "  - {name: [c]}\n", "f:6: Pod a: containers.name: a list, want text"},
		"twice":           {header + "  - {name: c, name: d}\n", "occurs twice"},
		"deep":            {strings.Repeat("[", 1000), "is nested more than 64 deep"},
		"aliases":         {"a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: *d\n", "no anchor &d is before it"},
		"number served": {
			"kind: InferenceService\napiVersion: v1\nspec: {model: {modelFormat: {name: x}, args: [1]}}\n",
			"f:3: InferenceService: args: 1 is no text",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods, err := ReadPods("f", []byte(tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v and %d pods, want %q", err, len(pods), tc.want)
			}
		})
	}
}
