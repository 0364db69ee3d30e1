package mixednodes

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// modelServer is a vLLM as a pod starts it. Zero is what the pod leaves open.
type modelServer struct {
	Model          string
	Release        int64 // the minor version: 11 for v0.11.0
	MaxModelLen    int64 `json:",omitempty"`
	MaxSequences   int64 `json:",omitempty"`
	Percent        int64 `json:",omitempty"` // of the GPU's memory
	TensorParallel int64 `json:",omitempty"`
	Quantisation   string
	Eager          bool
}

// serverAnnotation tells the checker what the pod's arguments say, so that it need not
// read them as the scheduler does.
const serverAnnotation = "example.com/server"

// servedModels are by how many GPUs they are served on.
var servedModels = map[int64][]string{
	1: {
		"Qwen/Qwen3-0.6B", "meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct", "Qwen/Qwen3-4B",
		"Qwen/Qwen2.5-7B-Instruct", "meta-llama/Llama-3.1-8B-Instruct", "mistralai/Mistral-7B-Instruct-v0.3", "Qwen/Qwen3-14B",
		"Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B", "google/gemma-3-12b-it", "openai/gpt-oss-20b", "microsoft/phi-4",
	},
	2: {"Qwen/Qwen3-14B", "Qwen/Qwen3-32B", "mistralai/Mistral-Small-24B-Instruct-2501", "mistralai/Mixtral-8x7B-Instruct-v0.1"},
	4: {"Qwen/Qwen3-32B", "meta-llama/Llama-3.1-70B-Instruct", "Qwen/Qwen2.5-72B-Instruct"},
	8: {"meta-llama/Llama-3.1-70B-Instruct", "openai/gpt-oss-120b"},
}

// drawServer draws a server that spans so many GPUs. A frugal one keeps to a part of them.
func drawServer(random *rand.Rand, gpus int64, frugal bool) *modelServer {
	models := servedModels[gpus]
	s := &modelServer{Model: models[random.Intn(len(models))]}
	s.Release = []int64{0, 10, 11, 11, 12, 14, 17, 19, 26}[random.Intn(9)]
	s.MaxModelLen = []int64{0, 2048, 4096, 4096, 8192, 16384, 32768}[random.Intn(7)]
	s.MaxSequences = []int64{0, 0, 8, 64}[random.Intn(4)]
	s.Percent = []int64{0, 0, 0, 50, 80, 85, 90, 95}[random.Intn(8)]
	if frugal && gpus == 1 && random.Intn(4) > 0 {
		s.Model = models[random.Intn(6)]
		s.MaxModelLen = []int64{1024, 2048, 4096, 8192}[random.Intn(4)]
		s.Percent = []int64{10, 20, 25, 30, 40, 45, 50, 60}[random.Intn(8)]
	}
	if gpus > 1 {
		s.TensorParallel = gpus
	}
	if random.Intn(6) == 0 {
		s.Quantisation = []string{"fp8", "bitsandbytes"}[random.Intn(2)]
	}
	s.Eager = random.Intn(8) == 0
	return s
}

// serve makes the pod's container the server.
func (s *modelServer) serve(pod *corev1.Pod) {
	c := &pod.Spec.Containers[0]
	c.Image = "vllm/vllm-openai:latest"
	if s.Release > 0 {
		c.Image = fmt.Sprintf("vllm/vllm-openai:v0.%d.0", s.Release)
	}
	c.Args = []string{"--model=" + s.Model}
	add := func(flag string, value int64) {
		if value > 0 {
			c.Args = append(c.Args, fmt.Sprintf("--%s=%d", flag, value))
		}
	}
	add("max-model-len", s.MaxModelLen)
	add("max-num-seqs", s.MaxSequences)
	add("tensor-parallel-size", s.TensorParallel)
	if s.Percent > 0 {
		c.Args = append(c.Args, "--gpu-memory-utilization="+strconv.FormatFloat(s.utilisation(), 'f', -1, 64))
	}
	if s.Quantisation != "" {
		c.Args = append(c.Args, "--quantization="+s.Quantisation)
	}
	if s.Eager {
		c.Args = append(c.Args, "--enforce-eager")
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	pod.Annotations[serverAnnotation] = string(text)
}

func (s *modelServer) utilisation() float64 { return float64(s.Percent) / 100 }

// releases are those to judge by where a pod names none: the server may be any of them.
var releases = func() (all []memory.Version) {
	for minor := int64(10); minor <= 30; minor++ {
		all = append(all, memory.Version{Minor: minor})
	}
	return append(all, memory.Version{})
}()

// accounts are the server by the releases that it may be; none if no engine takes the
// settings.
func (s *modelServer) accounts() ([]*memory.Server, error) {
	known, err := model.Known(s.Model)
	if err != nil {
		return nil, err
	}
	versions := releases
	if s.Release > 0 {
		versions = []memory.Version{{Minor: s.Release}}
	}
	var all []*memory.Server
	for _, version := range versions {
		server, err := memory.NewServer(known, memory.Launch{
			Engine: memory.VLLM, Version: version, TensorParallel: s.TensorParallel, MaxModelLen: s.MaxModelLen, MaxSequences: s.MaxSequences,
			Utilisation: s.utilisation(), Quantisation: s.Quantisation, Eager: s.Eager,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, server)
	}
	return all, nil
}
