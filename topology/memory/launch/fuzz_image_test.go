package launch_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// FuzzImage checks what holds of any image, with variables and arguments that servers take: no panic, no mark of
// unknown text in what people read, a model only where something names it, the same answer twice.
func FuzzImage(f *testing.F) {
	for _, image := range []string{
		"vllm/vllm-openai:v0.11.0", "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2", "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8",
		"nvcr.io/nim/nvidia/llm-nim:1.12", "nvcr.io/nim/", "/nim/a/b", "x/nim/y",
		"763104351884.dkr.ecr.example.com/djl-inference:0.33.0-lmi15.0.0-cu128",
		"us-docker.pkg.dev/vertex-ai/pytorch-vllm-serve:20250312", "huggingface-text-generation-inference-cu124.2-3.ubuntu2204.py311",
		"nvcr.io/nvidia/tritonserver:25.09-trtllm-python-py3", "me/server:vllm-0.11", "a@sha256:b", ":", "", "/", "//nim//", "vllm/router:1",
	} {
		f.Add(image, "Qwen/Qwen3-8B", "--model=org/m --max-model-len 4096", "vllm-bf16-tp2-pp1", uint8(2))
		f.Add(image, "hf://a/b", "", "tensorrt_llm", uint8(0))
	}
	f.Fuzz(func(t *testing.T, image, model, args, profile string, gpus uint8) {
		c := launch.Container{Name: "c", Image: image, Args: strings.Fields(args), GPUs: int64(gpus)}
		for _, name := range []string{"NIM_MODEL_NAME", "HF_MODEL_ID", "OPTION_MODEL_ID", "MODEL_ID"} {
			if model != "" {
				c.Env = append(c.Env, launch.EnvVar{Name: name, Value: model})
			}
		}
		for _, name := range []string{"NIM_MODEL_PROFILE", "OPTION_ROLLING_BATCH", "OPTION_TENSOR_PARALLEL_DEGREE", "NIM_MAX_MODEL_LEN"} {
			if profile != "" {
				c.Env = append(c.Env, launch.EnvVar{Name: name, Value: profile})
			}
		}
		r, err := launch.Read(c)
		if err != nil {
			sound(t, strings.ToValidUTF8(err.Error(), ""))
			return
		}
		if r.Model != "" && !r.IsServer() {
			t.Fatalf("model %q without a server", r.Model)
		}
		if l := r.Launch; l.TensorParallel < 0 || l.PipelineParallel < 0 || l.TensorParallel > 1<<20 {
			t.Fatalf("degrees %d and %d", l.TensorParallel, l.PipelineParallel)
		}
		again, err := launch.Read(c)
		if err != nil || again.Model != r.Model || again.Server != r.Server || again.Launch.Engine != r.Launch.Engine {
			t.Fatalf("read again: %+v, %v, first %+v", again, err, r)
		}
	})
}
