package launch_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// imageFacts are what a container's image, variables and arguments tell.
type imageFacts struct {
	Server, Model string
	Engine        memory.Engine
	Tensor, Len   int64
	// Open are the fields that are unknown, but for the release.
	Open []string
}

func readFacts(t *testing.T, c launch.Container) imageFacts {
	t.Helper()
	r := mustRead(t, c)
	facts := imageFacts{Server: r.Server, Model: r.Model, Engine: r.Launch.Engine, Tensor: r.Launch.TensorParallel, Len: r.Launch.MaxModelLen}
	for _, u := range r.Unknown {
		if u.Field != launch.FieldVersion && !slices.Contains(facts.Open, u.Field.String()) {
			facts.Open = append(facts.Open, u.Field.String())
		}
	}
	slices.Sort(facts.Open)
	return facts
}

func variables(pairs ...string) []launch.EnvVar {
	var env []launch.EnvVar
	for i := 0; i+1 < len(pairs); i += 2 {
		env = append(env, launch.EnvVar{Name: pairs[i], Value: pairs[i+1]})
	}
	return env
}

// A NIM's model is in its image's name or in a variable, its engine in its profile or release; what neither
// tells is unknown.
func TestNIM(t *testing.T) {
	for name, tc := range map[string]struct {
		container launch.Container
		want      imageFacts
	}{
		"model in the name": {launch.Container{Image: "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8", GPUs: 1},
			imageFacts{"nim", "meta-llama/llama-3.1-8b-instruct", memory.VLLM, 0, 0, []string{"Engine"}}},
		"a name of its own": {launch.Container{Image: "nvcr.io/nim/meta/llama3-70b-instruct:1.0.3", GPUs: 4},
			imageFacts{"nim", "meta-llama/Meta-Llama-3-70B-Instruct", memory.VLLM, 4, 0, []string{"Engine", "TensorParallel"}}},
		"copy in another registry": {launch.Container{Image: "registry.example.com/team/nim/mistralai/mixtral-8x7b-instruct-v01:2.0.9", GPUs: 1},
			imageFacts{"nim", "mistralai/Mixtral-8x7B-Instruct-v0.1", memory.VLLM, 0, 0, nil}},
		"any model, told": {launch.Container{Image: "nvcr.io/nim/nvidia/llm-nim:1.12", GPUs: 2,
			Env: variables("NIM_MODEL_NAME", "hf://Qwen/Qwen3-8B", "NIM_MODEL_PROFILE", "vllm-bf16-tp2-pp1", "NIM_MAX_MODEL_LEN", "8192")},
			imageFacts{"nim", "Qwen/Qwen3-8B", memory.VLLM, 2, 8192, nil}},
		"any model, not told": {launch.Container{Image: "nvcr.io/nim/nvidia/model-free-nim:3.0.0", GPUs: 1},
			imageFacts{"nim", "", memory.VLLM, 0, 0, []string{"Model"}}},
		"TensorRT-LLM": {launch.Container{Image: "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8", GPUs: 1,
			Env: variables("NIM_MODEL_PROFILE", "tensorrt_llm-h100-fp8-tp1-latency")},
			imageFacts{"nim", "meta-llama/llama-3.1-8b-instruct", memory.TensorRTLLM, 1, 0, nil}},
		"SGLang": {launch.Container{Image: "nvcr.io/nim/deepseek-ai/deepseek-r1:1.7.3", Env: variables("NIM_USE_SGLANG", "1"), GPUs: 1},
			imageFacts{"nim", "deepseek-ai/deepseek-r1", memory.SGLang, 0, 0, nil}},
		"another publisher": {launch.Container{Image: "nvcr.io/nim/stabilityai/stable-diffusion-xl:1.0", GPUs: 1},
			imageFacts{"nim", "", memory.VLLM, 0, 0, []string{"Engine", "Model"}}},
		"no NIM": {launch.Container{Image: "example.com/minimal/thing:1", GPUs: 1}, imageFacts{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readFacts(t, tc.container)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

// What an image does not tell by its last name, its folders, its tag or the arguments may.
func TestServersByEvidence(t *testing.T) {
	vllm := []string{"--model=org/m", "--max-model-len=4096"}
	ofVLLM := imageFacts{"vllm", "org/m", memory.VLLM, 0, 4096, nil}
	ofSGLang := imageFacts{"sglang", "org/m", memory.SGLang, 0, 0, nil}
	for name, tc := range map[string]struct {
		container launch.Container
		want      imageFacts
	}{
		"LMI": {launch.Container{Image: "1.dkr.ecr.example.com/djl-inference:0.33.0-lmi15.0.0-cu128", GPUs: 4,
			Env: variables("HF_MODEL_ID", "org/m", "OPTION_TENSOR_PARALLEL_DEGREE", "max", "OPTION_MAX_MODEL_LEN", "4096")},
			imageFacts{"djl-serving", "org/m", memory.VLLM, 4, 4096, nil}},
		"LMI with TensorRT-LLM": {launch.Container{Image: "deepjavalibrary/djl-serving:0.32.0-tensorrtllm0.12.0-cu125", GPUs: 2,
			Env: variables("OPTION_MODEL_ID", "org/m")}, imageFacts{"djl-serving", "org/m", memory.TensorRTLLM, 2, 0, nil}},
		"LMI without a model": {launch.Container{Image: "deepjavalibrary/djl-serving:0.33.0-lmi", GPUs: 1, Args: []string{"serve"}},
			imageFacts{}},
		"TGI of AWS": {launch.Container{Image: "1.dkr.ecr.example.com/huggingface-pytorch-tgi-inference:2.7-tgi3.3-gpu", GPUs: 2,
			Env: variables("HF_MODEL_ID", "org/m", "SM_NUM_GPUS", "2")}, imageFacts{"tgi", "org/m", memory.TGI, 2, 0, nil}},
		"Vertex AI": {launch.Container{Image: "us-docker.pkg.dev/vertex-ai/dockers/pytorch-vllm-serve:20250312_0916_RC01", GPUs: 1,
			Args: append([]string{"python", "-m", "vllm.entrypoints.api_server"}, vllm...)}, ofVLLM},
		"OpenShift AI":    {launch.Container{Image: "quay.io/modh/vllm:rhoai-2.20-cuda", Args: vllm, GPUs: 1}, ofVLLM},
		"a folder":        {launch.Container{Image: "ghcr.io/team/vllm/server:7", Args: vllm, GPUs: 1}, ofVLLM},
		"the tag":         {launch.Container{Image: "team/inference:sglang-0.5", Args: []string{"--model-path=org/m"}, GPUs: 1}, ofSGLang},
		"arguments alone": {launch.Container{Image: "team/server:1", Args: vllm, GPUs: 1}, ofVLLM},
		"of SGLang": {launch.Container{Image: "team/server:1", Args: []string{"--model-path=org/m", "--mem-fraction-static=0.8"}},
			ofSGLang},
		"of TGI": {launch.Container{Image: "team/server:1", Args: []string{"--model-id=org/m", "--num-shard=2"}},
			imageFacts{"tgi", "org/m", memory.TGI, 2, 0, nil}},
		"of two engines": {launch.Container{Image: "team/server:1", Args: []string{"--model=org/m", "--max-model-len=9", "--num-shard=2"}},
			imageFacts{}},
		"a model alone":     {launch.Container{Image: "team/server:1", Args: []string{"--model=org/m"}}, imageFacts{}},
		"a script's own":    {launch.Container{Image: "vllm-project/tools:1", Command: []string{"bash", "run.sh"}}, imageFacts{}},
		"a folder's router": {launch.Container{Image: "vllm/router:1", Args: []string{"--model=org/m", "--policy=x"}}, imageFacts{}},
		"an engine that is named": {launch.Container{Image: "team/server:1",
			Command: []string{"python", "serve.py", "--model=org/m", "--max-model-len=4096"},
			Engine:  memory.VLLM}, ofVLLM},
		"an engine that is named, in a script": {launch.Container{Image: "team/server:1",
			Command: []string{"sh", "-c", "cd /app && python serve.py --model org/m --max-model-len 4096"}, Engine: memory.VLLM},
			ofVLLM},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readFacts(t, tc.container)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}
