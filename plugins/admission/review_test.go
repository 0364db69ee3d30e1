package admission

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

func reviewOf(t *testing.T, pod *v1.Pod, cluster *Cluster) *Outcome {
	t.Helper()
	outcome, err := ReviewPod(pod, "team", cluster, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// claimsOf lists each container with its claims.
func claimsOf(pod *v1.Pod) []string {
	var all []string
	_ = eachContainer(pod, func(c *v1.Container, _ bool) error {
		line := c.Name
		for _, claim := range c.Resources.Claims {
			line += " " + claim.Name
		}
		all = append(all, line)
		return nil
	})
	return all
}

// Containers that run together have claims of their own; one that ends before shares the claim of
// one that asks alike; Koordinator's keys are of the pod.
func TestContainersAndClaims(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	sidecar := containerWith("sidecar", "nvidia.com/gpumem: 1000")
	sidecar.RestartPolicy = &always
	claimed := containerWith("claimed", "nvidia.com/gpumem: 1000")
	claimed.Resources.Claims = []v1.ResourceClaim{{Name: "own"}}
	for name, tc := range map[string]struct {
		init, containers []v1.Container
		want             []string
		wantClaims       int
		wantNote         string
	}{
		"two": {nil, []v1.Container{containerWith("a", "nvidia.com/gpumem: 1000"), containerWith("b", "nvidia.com/gpumem: 1000")},
			[]string{"a ashlar-gpus", "b ashlar-gpus-2"}, 2, ""},
		"one has": {nil, []v1.Container{containerWith("a", "nvidia.com/gpumem: 1000"), containerWith("b")},
			[]string{"a ashlar-gpus", "b"}, 1, ""},
		"init": {[]v1.Container{containerWith("before", "nvidia.com/gpumem: 1000")}, []v1.Container{containerWith("a",
			"nvidia.com/gpumem: 1000")},
			[]string{"before ashlar-gpus", "a ashlar-gpus"}, 1, ""},
		"own init": {[]v1.Container{containerWith("before", "nvidia.com/gpumem: 500")}, []v1.Container{containerWith("a",
			"nvidia.com/gpumem: 1000")},
			[]string{"before ashlar-gpus", "a ashlar-gpus-2"}, 2, "init container"},
		"sidecar": {[]v1.Container{sidecar}, []v1.Container{containerWith("a", "nvidia.com/gpumem: 1000")},
			[]string{"sidecar ashlar-gpus", "a ashlar-gpus-2"}, 2, ""},
		"claimed": {nil, []v1.Container{claimed, containerWith("a", "nvidia.com/gpumem: 1000")},
			[]string{"claimed own", "a ashlar-gpus"}, 1, ""},
		"koord": {nil, []v1.Container{containerWith("a", "koordinator.sh/gpu: 100"), containerWith("b", "koordinator.sh/gpu: 100")},
			[]string{"a ashlar-gpus", "b ashlar-gpus"}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podWith()
			pod.Spec.InitContainers, pod.Spec.Containers = tc.init, tc.containers
			outcome := reviewOf(t, pod, twoSizes())
			if diff := cmp.Diff(tc.want, claimsOf(outcome.Pod)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			if got := len(outcome.Pod.Spec.ResourceClaims); got != tc.wantClaims {
				t.Errorf("%d claims, want %d", got, tc.wantClaims)
			}
			if notes := strings.Join(outcome.Warnings, "\n"); (tc.wantNote == "") != (notes == "") || !strings.Contains(notes, tc.wantNote) {
				t.Errorf("warnings %q, want %q", notes, tc.wantNote)
			}
		})
	}
}

// The annotation says what was made of what.
func TestRecordSaysWhatChanged(t *testing.T) {
	outcome := reviewOf(t, podWith("nvidia.com/gpu: 1", "nvidia.com/gpumem: 3000", "nvidia.com/gpucores: 30",
		"scheduler: hami-scheduler"), twoSizes())
	var got Record
	if err := json.Unmarshal([]byte(outcome.Pod.Annotations[RecordAnnotation]), &got); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"nvidia.com/gpu": "1", "nvidia.com/gpumem": "3000", "nvidia.com/gpucores": "30"}
	want := Record{
		Claims: []RecordedClaim{{Containers: []string{"main"}, Template: outcome.Templates[0].Name, Means: "a GPU, 2.93GiB of it",
			From: keys, Removed: keys}},
		Scheduler: &RecordedChange{From: "hami-scheduler", To: "ashlar-scheduler"},
		NotKept:   []string{"nvidia.com/gpucores: 30 is not kept: only MPS limits multiprocessors, annotation nvidia.com/vgpu-mode: mps"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// Pods that ask alike have one template, whatever they are called; other namespaces and asks have others.
func TestTemplatesAreNamedByContents(t *testing.T) {
	name := func(statements ...string) string {
		return reviewOf(t, podWith(statements...), twoSizes()).Templates[0].Name
	}
	first := name("nvidia.com/gpumem: 3000")
	if got := name("@gpu-memory: 3000"); got != first {
		t.Errorf("the same ask in other words has template %s, want %s", got, first)
	}
	if got := name("@gpu-memory: 3001"); got == first {
		t.Errorf("another ask has the same template %s", got)
	}
}

// Which scheduler a pod names afterwards.
func TestSchedulerIsNamed(t *testing.T) {
	for scheduler, want := range map[string]string{
		"": SchedulerName, "default-scheduler": SchedulerName, "kai-scheduler": SchedulerName, SchedulerName: SchedulerName, "volcano": "volcano",
	} {
		outcome := reviewOf(t, podWith("@gpu-memory: 3000", "scheduler: "+scheduler), twoSizes())
		if got := outcome.Pod.Spec.SchedulerName; got != want {
			t.Errorf("%q becomes %q, want %q", scheduler, got, want)
		}
		if stays := strings.Contains(strings.Join(outcome.Warnings, "\n"), "stays"); stays != (want == "volcano") {
			t.Errorf("%q: warnings %q", scheduler, outcome.Warnings)
		}
	}
}

func serverPod(arguments ...string) *v1.Pod {
	pod := podWith()
	pod.Spec.Containers[0].Image, pod.Spec.Containers[0].Args = "vllm/vllm-openai:v0.11.0", arguments
	pod.Spec.Containers[0].Env = []v1.EnvVar{{Name: "HF_TOKEN", Value: "a token"}}
	return pod
}

// A pod that names its model alone gets a claim of what fits.
func TestModelClaims(t *testing.T) {
	labelled := podWith("#ashlar.dev/model: Llama-3.1-8B-Instruct")
	annotated := podWith("@ashlar.dev/model: meta-llama/Llama-3.1-8B-Instruct", "@ashlar.dev/max-model-len: 8k")
	auto := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=8192")
	auto.Annotations[ClaimAnnotation] = "auto"
	small := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096", "--gpu-memory-utilization=0.4")
	small.Annotations[ClaimAnnotation] = "auto"
	withGPU := podWith("@ashlar.dev/model: meta-llama/Llama-3.1-8B-Instruct", "nvidia.com/gpu: 1")
	two := podWith("@ashlar.dev/model: meta-llama/Llama-3.1-8B-Instruct")
	two.Spec.Containers = append(two.Spec.Containers, containerWith("proxy"))
	for name, tc := range map[string]struct {
		pod *v1.Pod
		// wantClass is a class of the claim, "" for none.
		wantClass, wantNote string
	}{
		"label":           {labelled, "gpu.ashlar.dev", "sized for vLLM"},
		"annotation":      {annotated, "gpu.ashlar.dev", "start the server with --max-model-len=8000"},
		"arguments":       {auto, "mig.gpu.ashlar.dev", ""},
		"share":           {small, "share.gpu.ashlar.dev", ""},
		"arguments alone": {serverPod("--model=meta-llama/Llama-3.1-8B-Instruct"), "", ""},
		"GPUs too":        {withGPU, "", ""},
		"unknown model":   {podWith("@ashlar.dev/model: meta-llama/Lama-3.1-8B-Instruct"), "", "near it are meta-llama/Llama-3.1-8B-Instruct"},
		"too large": {podWith("@ashlar.dev/model: deepseek-ai/DeepSeek-V3"), "",
			"no claim is made for the model: deepseek-ai/DeepSeek-V3: nothing fits, so that there is nothing to claim"},
		"which container?": {two, "", "kubectl.kubernetes.io/default-container"},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := reviewOf(t, tc.pod, &Cluster{})
			text := ""
			for _, template := range outcome.Templates {
				text = claimText(&template.Spec.Spec)
				compileSelectors(t, &template.Spec.Spec)
			}
			if (text == "") != (tc.wantClass == "") || !strings.Contains(text, tc.wantClass) {
				t.Errorf("claim %.300q, want %q", text, tc.wantClass)
			}
			if notes := strings.Join(outcome.Warnings, "\n"); (tc.wantNote == "") != (notes == "") || !strings.Contains(notes, tc.wantNote) {
				t.Errorf("warnings %q, want %q", notes, tc.wantNote)
			}
		})
	}
}

// What the scheduler would refuse, or would keep a server from starting, is said at admission.
func TestWarnings(t *testing.T) {
	classes := twoSizes()
	classes.DeviceClasses, classes.NodeResources = []string{"gpu.ashlar.dev", "share.gpu.ashlar.dev"}, []string{"nvidia.com/gpu"}
	classes.FindTemplate = func(name string) *resourceapi.ResourceClaimTemplate {
		template := &resourceapi.ResourceClaimTemplate{}
		template.Spec.Spec.Devices.Requests = []resourceapi.DeviceRequest{
			{Name: "gpu", Exactly: &resourceapi.ExactDeviceRequest{DeviceClassName: name}},
		}
		return template
	}
	tensor := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct", "--tensor-parallel-size=4")
	tensor.Spec.Containers[0].Resources.Limits["nvidia.com/gpu"] = resource.MustParse("2")
	high := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct", "--gpu-memory-utilization=1.5")
	high.Spec.Containers[0].Resources.Limits["nvidia.com/gpu"] = resource.MustParse("1")
	claimed := podWith()
	claimed.Spec.ResourceClaims = []v1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: ptr.To("shares.gpu.ashlar.dev")}}
	probed := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct")
	probed.Spec.Containers[0].LivenessProbe = &v1.Probe{ProbeHandler: v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: "/health"}},
		PeriodSeconds: 5}
	tokenless := serverPod("--model=meta-llama/Llama-3.1-8B-Instruct")
	tokenless.Spec.Containers[0].Env = nil
	for name, tc := range map[string]struct {
		pod  *v1.Pod
		want []string
	}{
		"plain":               {podWith("nvidia.com/gpu: 1"), nil},
		"tensor parallel":     {tensor, []string{"vllm spans 4 GPUs", "/dev/shm is not mounted"}},
		"utilisation above 1": {high, []string{"--gpu-memory-utilization"}},
		"annotation": {podWith("@ashlar.dev/max-model-length: 8k"),
			[]string{"nothing reads annotation ashlar.dev/max-model-length: did you mean ashlar.dev/max-model-len?"}},
		"annotation's value": {podWith("@ashlar.dev/engine: vlm"), []string{"ashlar.dev/engine"}},
		"label for annotation": {podWith("#ashlar.dev/max-model-len: 8k"),
			[]string{"nothing reads label ashlar.dev/max-model-len: it is an annotation"}},
		"resource": {podWith("nvidia.com/gpus: 1"),
			[]string{"container main: no node offers nvidia.com/gpus: did you mean nvidia.com/gpu?"}},
		"implicit class": {podWith("deviceclass.resource.kubernetes.io/gpus.ashlar.dev: 1"),
			[]string{"container main: there is no DeviceClass gpus.ashlar.dev: did you mean gpu.ashlar.dev?"}},
		"class": {claimed, []string{"ResourceClaimTemplate shares.gpu.ashlar.dev: " +
			"there is no DeviceClass shares.gpu.ashlar.dev: did you mean share.gpu.ashlar.dev?"}},
		"probe": {probed, []string{"livenessProbe gives 15s"}},
		"no token": {tokenless, []string{"meta-llama/Llama-3.1-8B-Instruct is gated, and the container has no token for the hub: give it HF_TOKEN " +
			"of an account that accepted the licence: env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf-token, key: token}}}]"}},
		"a wrong unit": {podWith("nvidia.com/gpumem: 800000"), []string{"none here has more than 80GiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := reviewOf(t, tc.pod, classes).Warnings
			if len(got) != len(tc.want) {
				t.Fatalf("warnings %q, want %q", got, tc.want)
			}
			for i, want := range tc.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("%q lacks %q", got[i], want)
				}
				if len(got[i]) > longestWarning {
					t.Errorf("%d bytes: %s", len(got[i]), got[i])
				}
			}
		})
	}
}

// The annotations that are known here are those that are read elsewhere.
func TestAnnotationsOfGroupsAreKnown(t *testing.T) {
	for _, name := range []string{groupcycle.SameAnnotation, groupcycle.RequiredTopologyAnnotation, groupcycle.PreferredTopologyAnnotation} {
		if !slices.Contains(PodAnnotations, name) {
			t.Errorf("%s is not known", name)
		}
	}
}

func TestShortenWarning(t *testing.T) {
	long := strings.Repeat("word ", 80)
	for text, want := range map[string]string{
		"short":                      "short",
		"cause: " + long + ": do so": "cause: do so",
		long:                         long[:longestWarning-4-len("...")+1],
	} {
		if got := shortenWarning(text); !strings.HasPrefix(got, strings.TrimSpace(want)[:min(len(want), 12)]) || len(got) > longestWarning {
			t.Errorf("%.20q is cut to %q", text, got)
		}
	}
}
