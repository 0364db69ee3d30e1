package launch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

var (
	sidecar = launch.Container{Name: "routing-proxy", Image: "ghcr.io/llm-d/llm-d-routing-sidecar:v0.3",
		Args: []string{"--port=8000", "--vllm-port=8001", "--connector=nixlv2"}}
	agent  = launch.Container{Name: "agent", Image: "fluent/fluent-bit", Command: []string{"sh", "-c", "fluent-bit -c /etc/x | grep vllm"}}
	server = launch.Container{Name: "main", Image: "vllm/vllm-openai:v0.11.0",
		Args: []string{"--model", "org/model", "--max-model-len", "8k"}, GPUs: 1}
)

func TestPodPicksTheServer(t *testing.T) {
	r, err := launch.Pod{Containers: []launch.Container{agent, sidecar, server}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if !r.IsServer() {
		t.Fatal("r.IsServer() is false")
	}
	if r.Container != "main" {
		t.Fatalf("r.Container = %q, want %q", r.Container, "main")
	}
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}

	r, err = launch.Pod{Containers: []launch.Container{agent, sidecar}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.IsServer() {
		t.Fatal("r.IsServer() is true")
	}

	r, err = launch.Pod{}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.IsServer() {
		t.Fatal("r.IsServer() is true")
	}
}

func TestPodWithSeveralServers(t *testing.T) {
	other := server
	other.Name = "other"
	pod := launch.Pod{Containers: []launch.Container{server, other}}
	_, err := pod.Read()
	wantError(t, err, "containers main, other are model servers all")

	pod.Annotations = map[string]string{launch.GPUMemoryAnnotation: "40Gi"}
	r, err := pod.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.GPUMemory != 40*topology.GiB {
		t.Fatalf("r.GPUMemory = %v, want %v", r.GPUMemory, 40*topology.GiB)
	}

	other.GPUs = 0 // it runs on the CPU
	r, err = launch.Pod{Containers: []launch.Container{other, server}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.Container != "main" {
		t.Fatalf("r.Container = %q, want %q", r.Container, "main")
	}
}

func TestPodNamesTheContainerInErrors(t *testing.T) {
	broken := server
	broken.Args = []string{"--model", "org/model", "--max-model-len", "0"}
	_, err := launch.Pod{Containers: []launch.Container{agent, broken}}.Read()
	wantError(t, err, "container main: args[2]: --max-model-len 0: want a whole number")
}

// KServe downloads models into a folder, from a source that the pod names.
func TestPodOfKServe(t *testing.T) {
	served := launch.Container{Name: "kserve-container", Image: "kserve/huggingfaceserver:v0.15.0-gpu",
		Args: []string{"--model_name=llama", "--backend=vllm"}, GPUs: 1}
	mounted := launch.Container{Name: "main", Image: "ghcr.io/llm-d/llm-d-cuda:v0.6.0", Command: []string{"vllm", "serve", "/mnt/models"},
		GPUs: 1}
	for name, tc := range map[string]struct {
		pod   launch.Pod
		model string
	}{
		"initializer": {launch.Pod{
			Containers: []launch.Container{served},
			InitContainers: []launch.Container{{Name: "storage-initializer",
				Args: []string{"hf://meta-llama/Llama-3.1-8B-Instruct", "/mnt/models"}}},
		}, "meta-llama/Llama-3.1-8B-Instruct"},
		"initializer with revision": {launch.Pod{
			Containers:     []launch.Container{mounted},
			InitContainers: []launch.Container{{Name: "storage-initializer", Args: []string{"hf://org/model:0123abc", "/mnt/models/"}}},
		}, "org/model"},
		"initializer of several": {launch.Pod{
			Containers: []launch.Container{mounted},
			InitContainers: []launch.Container{{Name: "storage-initializer",
				Args: []string{"hf://org/adapter", "/mnt/lora", "hf://org/model", "/mnt/models"}}},
		}, "org/model"},
		"annotation of the webhook": {launch.Pod{
			Containers:  []launch.Container{mounted},
			Annotations: map[string]string{"internal.serving.kserve.io/storage-initializer-sourceuri": "hf://org/model"},
		}, "org/model"},
		"bucket": {launch.Pod{
			Containers:     []launch.Container{served},
			InitContainers: []launch.Container{{Name: "storage-initializer", Args: []string{"s3://bucket/llama", "/mnt/models"}}},
		}, ""},
		"volume": {launch.Pod{Containers: []launch.Container{mounted}}, ""},
		"other init container": {launch.Pod{Containers: []launch.Container{mounted},
			InitContainers: []launch.Container{{Name: "fetch", Args: []string{"hf://org/model", "/mnt/models"}}}}, ""},
		"model id": {launch.Pod{Containers: []launch.Container{
			{Image: "kserve/huggingfaceserver:v0.15.0", Args: []string{"--model_id", "org/model", "--backend=vllm"}},
		}}, "org/model"},
		"STORAGE_URI": {launch.Pod{Containers: []launch.Container{
			{Image: "kserve/huggingfaceserver:v0.15.0", Args: []string{"--backend=vllm"},
				Env: []launch.EnvVar{{Name: "STORAGE_URI", Value: "hf://org/model"}}},
		}}, "org/model"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := tc.pod.Read()
			if err != nil {
				t.Fatal(err)
			}
			if r.Model != tc.model {
				t.Fatalf("r.Model = %q, want %q", r.Model, tc.model)
			}
			if got := r.IsKnown(launch.FieldModel); got != (tc.model != "") {
				t.Fatalf("%v: r.IsKnown(launch.FieldModel) = %v, want %v", r.Unknown, got, (tc.model != ""))
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	r, err := launch.Pod{Containers: []launch.Container{server}, Annotations: map[string]string{
		"ashlar.dev/gpu-memory": "40Gi", "ashlar.dev/model": "other/model", "ashlar.dev/max-model-len": "32K", "ashlar.dev/concurrency": "16",
		"ashlar.dev/context": "4k", "ashlar.dev/engine": "vllm", "ashlar.dev/engine-version": "0.12.0",
	}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.GPUMemory != 40*topology.GiB {
		t.Fatalf("r.GPUMemory = %v, want %v", r.GPUMemory, 40*topology.GiB)
	}
	if r.Model != "other/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "other/model")
	}
	if r.Concurrency != int64(16) {
		t.Fatalf("r.Concurrency = %v, want %v", r.Concurrency, int64(16))
	}
	if r.Context != int64(4000) {
		t.Fatalf("r.Context = %v, want %v", r.Context, int64(4000))
	}
	wantLaunch(t, memory.Launch{Engine: memory.VLLM, Version: memory.Version{Minor: 12}, MaxModelLen: 32_768}, r.Launch)
	if r.Explicit[launch.FieldModel] != "annotation ashlar.dev/model" {
		t.Fatalf("r.Explicit[launch.FieldModel] = %q, want %q", r.Explicit[launch.FieldModel], "annotation ashlar.dev/model")
	}
	if len(r.Unknown) > 0 {
		t.Fatalf("r.Unknown = %v, want none", r.Unknown)
	}

	// They settle what the container leaves open.
	open := launch.Container{Name: "main", Image: "corp/llm:1", Command: []string{"vllm", "serve", "/models/x"}}
	r, err = launch.Pod{Containers: []launch.Container{open},
		Annotations: map[string]string{launch.ModelAnnotation: "org/model", launch.EngineVersionAnnotation: "0.11"}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unknown) > 0 {
		t.Fatalf("r.Unknown = %v, want none", r.Unknown)
	}
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
}

func TestMalformedAnnotations(t *testing.T) {
	for name, values := range map[string][]string{
		launch.GPUMemoryAnnotation:   {"", "0", "-1Gi", "lots", "NaN", "99999999999Gi"},
		launch.ModelAnnotation:       {"", "a b", "/mnt/models", "a/b/c", strings.Repeat("x", 300)},
		launch.MaxModelLenAnnotation: {"", "0", "-1", "auto", "1.5K"}, launch.ConcurrencyAnnotation: {"0", "many"},
		launch.ContextAnnotation: {"0", "1e3"},
		launch.EngineAnnotation:  {"", "VLLM", "ollama"}, launch.EngineVersionAnnotation: {"", "latest"},
	} {
		for _, value := range values {
			_, err := launch.Pod{Containers: []launch.Container{server}, Annotations: map[string]string{name: value}}.Read()
			wantError(t, err, fmt.Sprintf("annotation %s %.80q: ", name, value))
		}
	}
}

// With the engine in an annotation, an image that nobody knows can be read too.
func TestEngineAnnotation(t *testing.T) {
	flags := launch.Container{Name: "llm", Image: "corp/llm:1", Args: []string{"--model", "org/model", "-tp", "2"}, GPUs: 2}
	r, err := launch.Pod{Containers: []launch.Container{flags}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.IsServer() {
		t.Fatal("r.IsServer() is true")
	}

	r, err = launch.Pod{Containers: []launch.Container{agent, flags}, Annotations: map[string]string{launch.EngineAnnotation: "vllm"}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.Server != "vllm" {
		t.Fatalf("r.Server = %q, want %q", r.Server, "vllm")
	}
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
	if r.Launch.TensorParallel != int64(2) {
		t.Fatalf("r.Launch.TensorParallel = %v, want %v", r.Launch.TensorParallel, int64(2))
	}

	own := launch.Container{Name: "llm", Image: "corp/llm:1", Command: []string{"python", "/app/serve.py"}, GPUs: 1}
	r, err = launch.Pod{Containers: []launch.Container{own},
		Annotations: map[string]string{launch.EngineAnnotation: "vllm", launch.ModelAnnotation: "org/model"}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
	if !r.IsKnown(launch.FieldModel) {
		t.Fatal("r.IsKnown(launch.FieldModel) is false")
	}
	if r.IsKnown(launch.FieldMaxModelLen) {
		t.Fatal("what serve.py tells vLLM is not known")
	}

	r, err = launch.Pod{Containers: []launch.Container{own},
		Annotations: map[string]string{launch.EngineAnnotation: "plain", launch.ModelAnnotation: "org/model"}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if r.Launch.Engine != memory.Plain {
		t.Fatalf("r.Launch.Engine = %q, want %q", r.Launch.Engine, memory.Plain)
	}
	if !r.IsServer() {
		t.Fatal("r.IsServer() is false")
	}
}

func TestContradictions(t *testing.T) {
	for name, tc := range map[string]struct {
		line string
		gpus int64
		want string
	}{
		"more GPUs than asked for": {"vllm serve a/b -tp 4", 1,
			"vllm spans 4 GPUs (tensor parallel 4, pipeline parallel 1, data parallel 1), the container asks for 1: ask for 4"},
		"product":               {"vllm serve a/b -tp 2 -pp 2 -dp 2", 4, "spans 8 GPUs"},
		"idle GPUs":             {"vllm serve a/b -tp 2", 4, "the container asks for 4 GPUs, of which vllm uses 2"},
		"context":               {"vllm serve a/b -tp 2 -pcp 2", 2, "spans 4 GPUs"},
		"sglang":                {"python3 -m sglang.launch_server --model-path a/b --tp 4 --dp 2", 4, "spans 8 GPUs"},
		"sglang, shared":        {"python3 -m sglang.launch_server --model-path a/b --tp 4 --dp 2 --enable-dp-attention", 4, ""},
		"fits":                  {"vllm serve a/b -tp 4", 4, ""},
		"context within tensor": {"vllm serve a/b -tp 8 -dcp 8", 8, ""},
		"GPUs not known":        {"vllm serve a/b -tp 4", 0, ""},
		"several Nodes":         {"vllm serve a/b -tp 16 --nnodes 2", 8, ""},
		"one Node of one":       {"vllm serve a/b -tp 16 --nnodes 1", 8, "spans 16 GPUs"},
		"ray":                   {"vllm serve a/b -tp 8 -pp 2 --distributed-executor-backend ray", 8, ""},
		"degree not known":      {"vllm serve a/b -tp $(N)", 8, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := launch.Container{Command: strings.Fields(tc.line), GPUs: tc.gpus}
			r := mustRead(t, c)
			if tc.want == "" {
				if len(r.Contradictions) > 0 {
					t.Fatalf("r.Contradictions = %v, want none", r.Contradictions)
				}
				return
			}
			if len(r.Contradictions) != 1 {
				t.Fatalf("len(r.Contradictions) = %d, want %d: %v", len(r.Contradictions), 1, r.Contradictions)
			}
			if !strings.Contains(r.Contradictions[0], tc.want) {
				t.Fatalf("%q does not contain %q", r.Contradictions[0], tc.want)
			}
		})
	}
}

// Ray joins Nodes to one server: the container's GPUs are not all there are.
func TestServersOverSeveralNodes(t *testing.T) {
	leader := launch.Container{GPUs: 8, Command: []string{"sh", "-c", "ray start --head --port 6379; vllm serve org/model -tp 8 -pp 2"}}
	r := mustRead(t, leader)
	if r.Model != "org/model" {
		t.Fatalf("r.Model = %q, want %q", r.Model, "org/model")
	}
	if r.Launch.PipelineParallel != int64(2) {
		t.Fatalf("r.Launch.PipelineParallel = %v, want %v", r.Launch.PipelineParallel, int64(2))
	}
	if len(r.Contradictions) > 0 {
		t.Fatalf("r.Contradictions = %v, want none", r.Contradictions)
	}

	worker := mustRead(t, launch.Container{GPUs: 8, Command: []string{"sh", "-c", "ray start --address=$LEADER:6379 --block"}})
	if worker.Server != "ray" {
		t.Fatalf("worker.Server = %q, want %q", worker.Server, "ray")
	}
	if worker.IsKnown(launch.FieldModel) {
		t.Fatal("worker.IsKnown(launch.FieldModel) is true")
	}

	group := launch.Container{GPUs: 8, Command: []string{"vllm", "serve", "org/model", "-tp", "8", "-pp", "2"},
		Env: []launch.EnvVar{{Name: "LWS_GROUP_SIZE", Value: "2"}}}
	if got := mustRead(t, group).Contradictions; len(got) > 0 {
		t.Fatalf("mustRead(t, group).Contradictions = %v, want none", got)
	}
}
