package modelmemory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

var (
	t4 = modelmemory.Device{GPU: memory.GPU{Name: "Tesla T4", Total: 14910 * topology.MiB,
		Compute: topology.ComputeCapability{Major: 7, Minor: 5}}}
	l40s = modelmemory.Device{GPU: memory.GPU{Name: "NVIDIA L40S", Total: 45486 * topology.MiB,
		Compute: topology.ComputeCapability{Major: 8, Minor: 9}}}
)

func pod(annotations map[string]string, image string, args ...string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Annotations: annotations},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "server", Image: image, Args: args}}},
	}
}

func shareOf(d modelmemory.Device, share topology.Bytes) modelmemory.Device {
	d.Share = share
	return d
}

func TestRefuses(t *testing.T) {
	const vllm, llama = "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct"
	for name, tc := range map[string]struct {
		pod    *v1.Pod
		device modelmemory.Device
		want   string // "" for accepted
	}{
		"too large": {pod(nil, vllm, llama, "--max-model-len=4096"), t4,
			"Tesla T4: nothing is left for the KV cache: 13.1GiB of 14.56GiB for the engine - 14.99GiB weights"},
		"fits": {pod(nil, vllm, llama, "--max-model-len=4096"), l40s, ""},
		"too long": {pod(nil, vllm, llama, "--max-model-len=131072", "--gpu-memory-utilization=0.5"), l40s,
			"a request of 131072 tokens takes 16GiB of KV cache"},
		"quantised": {pod(nil, vllm, llama, "--max-model-len=4096", "--quantization=bitsandbytes"), t4, ""},
		"no kernels": {pod(nil, vllm, llama, "--max-model-len=4096", "--quantization=fp8"), t4,
			"Tesla T4: compute capability 7.5, and vLLM needs 8.0 for fp8"},
		"fills a share": {pod(nil, vllm, llama, "--max-model-len=4096", "--quantization=fp8"), shareOf(l40s, 20*topology.GiB),
			"give it --gpu-memory-utilization=0.42"},
		"small share": {pod(nil, vllm, llama, "--max-model-len=4096"), shareOf(l40s, 8*topology.GiB), "ask for 1"},
		"within share": {pod(nil, vllm, llama, "--max-model-len=4096", "--quantization=fp8", "--gpu-memory-utilization=0.42"),
			shareOf(l40s, 20*topology.GiB), ""},
		"stated": {pod(map[string]string{"ashlar.dev/gpu-memory": "40Gi"}, "busybox"), t4,
			"the pod states 40GiB per GPU (ashlar.dev/gpu-memory), Tesla T4 has 14.56GiB"},
		"stated wins": {pod(map[string]string{"ashlar.dev/gpu-memory": "10Gi"}, vllm, llama), t4, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := modelmemory.Of(tc.pod)
			if err != nil {
				t.Fatal(err)
			}
			if server == nil {
				t.Fatal("no server")
			}
			if tc.want == "" {
				if got := server.Refuses(tc.device); got != "" {
					t.Fatalf("server.Refuses(tc.device) = %v, want none", got)
				}
			} else {
				if got := server.Refuses(tc.device); !strings.Contains(got, tc.want) {
					t.Fatalf("%q does not contain %q", got, tc.want)
				}
			}
		})
	}
}

// Where the release is not stated the newest does not stand for it: it keeps more
// beside the cache than earlier ones.
func TestUnknownReleaseIsRefusedOnlyIfNoneFits(t *testing.T) {
	l4 := modelmemory.Device{GPU: memory.GPU{Name: "NVIDIA L4", Total: 22478 * topology.MiB,
		Compute: topology.ComputeCapability{Major: 8, Minor: 9}}}
	args := []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-num-seqs=16", "--gpu-memory-utilization=0.9"}
	for image, want := range map[string]bool{"vllm/vllm-openai:latest": true, "vllm/vllm-openai:v0.27.0": false} {
		server, err := modelmemory.Of(pod(nil, image, append(args, "--max-model-len=36000")...))
		if err != nil {
			t.Fatal(err)
		}
		if got := server.Refuses(l4) == ""; got != want {
			t.Fatalf("%v: server.Refuses(l4) == \"\" = %v, want %v", image, got, want)
		}
	}
	old, err := modelmemory.Of(pod(nil, "vllm/vllm-openai:v0.8.5", args...))
	if err != nil {
		t.Fatal(err)
	}
	if old != nil {
		t.Fatalf("releases before 0.10 account otherwise: old = %v, want none", old)
	}
}

// What a pod leaves open is not guessed.
func TestUnknownIsNotRefused(t *testing.T) {
	for name, p := range map[string]*v1.Pod{
		"no model server":                     pod(nil, "busybox", "sleep", "1d"),
		"KServe's server of an unknown model": pod(nil, "kserve/huggingfaceserver:v0.16.0", "--model_id=someone/their-own-model"),
		"KServe's server with a backend of its own": pod(nil, "kserve/huggingfaceserver:v0.16.0",
			"--model_id=meta-llama/Llama-3.1-8B-Instruct", "--backend={{ .Values.backend }}"),
		"unknown model":     pod(nil, "vllm/vllm-openai:v0.11.0", "--model=someone/their-own-model"),
		"model in a volume": pod(nil, "vllm/vllm-openai:v0.11.0", "--model=/mnt/models"),
		"a template": pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct",
			"--max-model-len={{ .Values.length }}"),
		"a setting refused":  pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=-5"),
		"a file of settings": pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct", "--config=/etc/vllm.yaml"),
	} {
		t.Run(name, func(t *testing.T) {
			server, err := modelmemory.Of(p)
			if err != nil {
				t.Fatal(err)
			}
			if server != nil {
				t.Fatalf("server = %v, want none", server)
			}
		})
	}
}

// KServe's server is judged as vLLM where vLLM has the model's architecture.
func TestHuggingfaceServerTakesVLLM(t *testing.T) {
	p := pod(nil, "kserve/huggingfaceserver:v0.16.0", "--model_id=meta-llama/Llama-3.1-8B-Instruct")
	server, err := modelmemory.Of(p)
	if err != nil || server == nil {
		t.Fatalf("server = %v, error %v, want one", server, err)
	}
	if got := modelmemory.Doubts(p); len(got) > 0 {
		t.Errorf("doubts %q, want none", got)
	}
}

func TestMalformedAnnotation(t *testing.T) {
	_, err := modelmemory.Of(pod(map[string]string{"ashlar.dev/gpu-memory": "lots"}, "busybox"))
	if err == nil || !strings.Contains(err.Error(), "ashlar.dev/gpu-memory") {
		t.Fatalf("error %v, want %q", err, "ashlar.dev/gpu-memory")
	}
}

func TestDoubts(t *testing.T) {
	if got := modelmemory.Doubts(pod(nil, "busybox")); len(got) > 0 {
		t.Fatalf("modelmemory.Doubts(pod(nil, \"busybox\")) = %v, want none", got)
	}
	if got := modelmemory.Doubts(pod(nil, "vllm/vllm-openai:latest", "--model=meta-llama/Llama-3.1-8B-Instruct")); len(got) > 0 {
		t.Fatalf("got = %v, want none", got)
	}
	unknown := pod(nil, "vllm/vllm-openai:v0.11.0", "--model=/models/mine")
	if got := modelmemory.Doubts(unknown)[0]; !strings.Contains(got, "Model is unknown, because") {
		t.Fatalf("%q does not contain %q", got, "Model is unknown, because")
	}
	theirs := pod(nil, "vllm/vllm-openai:v0.11.0", "--model=someone/their-own")
	if got := modelmemory.Doubts(theirs)[0]; !strings.Contains(got, "is not in the catalogue") {
		t.Fatalf("%q does not contain %q", got, "is not in the catalogue")
	}
	if got := modelmemory.Doubts(pod(map[string]string{"ashlar.dev/gpu-memory": "10Gi"}, "vllm/vllm-openai:v0.11.0",
		"--model=/models/mine")); len(got) > 0 {
		t.Fatalf("got = %v, want none", got)
	}

	two := pod(nil, "vllm/vllm-openai:v0.11.0", "--model=meta-llama/Llama-3.1-8B-Instruct", "--tensor-parallel-size=2")
	two.Spec.Containers[0].Resources.Limits = v1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	if got := modelmemory.Doubts(two)[0]; !strings.Contains(got, "2 GPUs") {
		t.Fatalf("%q does not contain %q", got, "2 GPUs")
	}
}

// An annotation that is nearly a known one says nothing, and is told.
func TestMisspelledAnnotations(t *testing.T) {
	got := modelmemory.Doubts(pod(map[string]string{
		"ashlar.dev/gpumemory": "10Gi", "ashlar.dev/movable": "true", "example.com/gpumemory": "1",
	}, "busybox"))
	want := []string{"annotation ashlar.dev/gpumemory is not known and was ignored; did you mean ashlar.dev/gpu-memory?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("doubts (-want +got):\n%s", diff)
	}
}

// A server in an init container that goes on beside the others is the pod's server.
func TestServerBesideTheOthers(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	engine := v1.Container{
		Name: "engine", Image: "vllm/vllm-openai:v0.11.0", Args: []string{"--model=meta-llama/Llama-3.1-8B-Instruct", "--max-model-len=4096"},
	}
	for name, tc := range map[string]struct {
		policy *v1.ContainerRestartPolicy
		want   bool
	}{"beside": {&always, true}, "before": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			c := engine
			c.RestartPolicy = tc.policy
			pod := &v1.Pod{Spec: v1.PodSpec{InitContainers: []v1.Container{c}, Containers: []v1.Container{{Name: "app", Image: "example.com/app"}}}}
			server, err := modelmemory.Of(pod)
			if err != nil || (server != nil) != tc.want {
				t.Errorf("got %v, %v, want a server: %t", server, err, tc.want)
			}
			if because := modelmemory.CannotStart(pod, 0); because != "" {
				t.Errorf("cannot start: %s", because)
			}
		})
	}
}
