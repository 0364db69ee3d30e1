package memory_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/google/go-cmp/cmp"
)

func known(t testing.TB, name string) *model.Model {
	t.Helper()
	m, err := model.Known(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func whole(t testing.TB, name string) memory.GPU {
	t.Helper()
	gpus, err := catalogue.LoadFS()
	if err != nil {
		t.Fatal(err)
	}
	m, err := gpus.Model(name)
	if err != nil {
		t.Fatal(err)
	}
	return memory.WholeGPU(m)
}

func estimate(t testing.TB, name string, launch memory.Launch, gpu memory.GPU, demand memory.Demand) memory.Estimate {
	t.Helper()
	server, err := memory.NewServer(known(t, name), launch)
	if err != nil {
		t.Fatal(err)
	}
	return server.On(gpu, demand)
}

func gib(amount float64) topology.Bytes { return topology.Bytes(amount * float64(topology.GiB)) }

// What vLLM 0.11.0 logged on H100s with 79.18 GiB at a utilisation of 0.9, from
// llm-d-incubation/llm-d-planner, docs/empirical-vllm-memory-results.md.
func TestLoggedStarts(t *testing.T) {
	h100 := memory.GPU{Name: "H100", Total: gib(79.18), Compute: topology.ComputeCapability{Major: 9}}
	for _, tc := range []struct {
		model                    string
		tensorParallel, length   int64
		weights, activations, kv float64 // GiB
		outcome                  memory.Outcome
	}{
		{"openai/gpt-oss-20b", 1, 16000, 13.47, 7.38, 50.28, memory.OutcomeStarts},
		{"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 2, 16000, 33.88, 4.84, 32.0, memory.OutcomeStarts},
		{"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 1, 16000, 67.72, 4.84, -1.44, memory.OutcomeNoBlocks},
		{"meta-llama/Llama-3.1-8B-Instruct", 1, 16000, 14.99, 4.76, 51.38, memory.OutcomeStarts},
		{"Qwen/Qwen3-0.6B", 1, 16000, 1.12, 5.56, 64.45, memory.OutcomeStarts},
		{"Qwen/Qwen3-32B", 1, 16000, 61.03, 5.64, 4.45, memory.OutcomeStarts},
		{"Qwen/Qwen3-32B", 1, 32000, 61.03, 5.64, 4.45, memory.OutcomeTooLong},
		{"Qwen/Qwen3-32B", 2, 16000, 30.59, 5.64, 34.49, memory.OutcomeStarts},
	} {
		e := estimate(t, tc.model, memory.Launch{Version: memory.Version{Minor: 11}, TensorParallel: tc.tensorParallel,
			MaxModelLen: tc.length, BlockSize: 128, Utilisation: 0.9}, h100, memory.Demand{})
		if got := float64(e.WeightBytes()); math.Abs(got-float64(gib(tc.weights))) > float64(gib(0.1)) {
			t.Fatalf("%v: float64(e.WeightBytes()) = %v, want %v within %v", tc.model, got, float64(gib(tc.weights)), float64(gib(0.1)))
		}
		if got := float64(e.Activations); math.Abs(got-float64(gib(tc.activations))) > float64(gib(0.15)) {
			t.Fatalf("%v: float64(e.Activations) = %v, want %v within %v", tc.model, got, float64(gib(tc.activations)), float64(gib(0.15)))
		}
		if got := float64(e.KV); math.Abs(got-float64(gib(tc.kv))) > float64(gib(0.15)) {
			t.Fatalf("%v: float64(e.KV) = %v, want %v within %v", tc.model, got, float64(gib(tc.kv)), float64(gib(0.15)))
		}
		if got := e.Outcome(); got != tc.outcome {
			t.Fatalf("%v: e.Outcome() = %v, want %v", tc.model, got, tc.outcome)
		}
	}
}

// KV cache that engines said they need or hold, to the digits that they print.
func TestKVCache(t *testing.T) {
	large := memory.GPU{Name: "large", Total: 1 << 43, Compute: topology.ComputeCapability{Major: 9}}
	for _, tc := range []struct {
		name, model string
		launch      memory.Launch
		perToken    topology.Bytes
		one         float64 // GiB for a request of MaxModelLen
	}{
		{"grouped queries", "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{MaxModelLen: 131072}, 131072, 16.00},
		{"fewer KV heads than GPUs", "Qwen/Qwen3-235B-A22B", memory.Launch{MaxModelLen: 32768, TensorParallel: 8}, 94 * 2 * 128 * 2, 1.46875},
		{"a request of 32,000", "Qwen/Qwen3-32B", memory.Launch{MaxModelLen: 32000}, 262144, 7.8125},
		{"latent attention is not divided", "deepseek-ai/DeepSeek-V3", memory.Launch{MaxModelLen: 65536, TensorParallel: 8}, 70272, 4.2890625},
		{"FP8 KV", "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{MaxModelLen: 131072, KVFormat: memory.KVFP8}, 65536, 8.00},
		{"48 layers, vllm-project/vllm#34076", "Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", memory.Launch{MaxModelLen: 262144}, 98304, 24.0},
		// Two pipeline stages: each keeps its own layers only.
		{"a stage's layers", "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{MaxModelLen: 131072, PipelineParallel: 2}, 65536, 8.00},
		// Requests are dealt out over two GPUs.
		{"context parallel", "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{MaxModelLen: 131072, ContextParallel: 2}, 131072, 8.00},
		// A window of 128 and a step of 8192 in half the layers, rounded to blocks of 16.
		{"sliding window", "openai/gpt-oss-20b", memory.Launch{MaxModelLen: 131072, MaxBatchedTokens: 8192}, 24576,
			float64(24576*131072+24576*(8320+16)) / (1 << 30)},
		{"sliding window charged whole", "openai/gpt-oss-20b", memory.Launch{MaxModelLen: 131072, NoHybridKV: true}, 49152, 6.0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server, err := memory.NewServer(known(t, tc.model), tc.launch)
			if err != nil {
				t.Fatal(err)
			}
			if got := server.KVPerToken(); got != tc.perToken {
				t.Fatalf("server.KVPerToken() = %v, want %v", got, tc.perToken)
			}
			e := server.On(large, memory.Demand{})
			if got := float64(e.One) / float64(topology.GiB); math.Abs(got-tc.one) > 0.002 {
				t.Fatalf("float64(e.One) / float64(topology.GiB) = %v, want %v within %v", got, tc.one, 0.002)
			}
		})
	}
}

// What people ask first: does it fit, and if not, why.
func TestFits(t *testing.T) {
	llama8B, llama70B := "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"

	t4 := estimate(t, llama8B, memory.Launch{MaxModelLen: 4096}, whole(t, "T4"), memory.Demand{})
	if got := t4.Outcome(); got != memory.OutcomeNoBlocks {
		t.Fatalf("t4.Outcome() = %v, want %v", got, memory.OutcomeNoBlocks)
	}
	if !t4.IsCertain() {
		t.Fatal("t4.IsCertain() is false")
	}
	if got := t4.Explain(); !strings.Contains(got, "14.99GiB weights") {
		t.Fatalf("%q does not contain %q", got, "14.99GiB weights")
	}

	a100 := estimate(t, llama8B, memory.Launch{MaxModelLen: 4096}, whole(t, "A100-SXM4-80GB"), memory.Demand{Requests: 16})
	if !a100.Holds() {
		t.Fatal("a100.Holds() is false")
	}
	if got := a100.Explain(); !strings.Contains(got, "8GiB needed") {
		t.Fatalf("%q does not contain %q", got, "8GiB needed")
	}

	for _, tc := range []struct {
		gpus, length int64
		want         bool
	}{{1, 4096, false}, {2, 4096, true}, {2, 131072, false}, {4, 131072, true}} {
		e := estimate(t, llama70B, memory.Launch{TensorParallel: tc.gpus, MaxModelLen: tc.length}, whole(t, "H100-SXM5-80GB"), memory.Demand{})
		if got := e.Holds(); got != tc.want {
			t.Fatalf("%d GPUs, %d tokens: %s: e.Holds() = %v, want %v", tc.gpus, tc.length, e.Explain(), got, tc.want)
		}
	}
}

// The longest context is one that starts, and one more token does not.
func TestLongestContextIsTight(t *testing.T) {
	for _, name := range []string{"meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-20b", "google/gemma-3-27b-it",
		"deepseek-ai/DeepSeek-V2-Lite"} {
		for _, gpu := range []string{"L40S", "A100-SXM4-80GB"} {
			launch := memory.Launch{MaxBatchedTokens: 2048, MaxSequences: 64}
			long := estimate(t, name, launch, whole(t, gpu), memory.Demand{})
			if long.LongestContext == 0 || long.Outcome() == memory.OutcomeStarts {
				continue
			}
			launch.MaxModelLen = long.LongestContext
			if got := ptr(estimate(t, name, launch, whole(t, gpu), memory.Demand{})).Outcome(); got != memory.OutcomeStarts {
				t.Fatalf("%s on %s: got = %v, want %v", name, gpu, got, memory.OutcomeStarts)
			}
			launch.MaxModelLen++
			if got := ptr(estimate(t, name, launch, whole(t, gpu), memory.Demand{})).Outcome(); got != memory.OutcomeTooLong {
				t.Fatalf("%s on %s: got = %v, want %v", name, gpu, got, memory.OutcomeTooLong)
			}
		}
	}
}

func ptr(e memory.Estimate) *memory.Estimate { return &e }

func TestStages(t *testing.T) {
	// 62 layers over 4 stages: the two that do not divide evenly go before the last.
	m := known(t, "google/gemma-3-27b-it")
	whole, err := memory.NewServer(m, memory.Launch{})
	if err != nil {
		t.Fatal(err)
	}
	split, err := memory.NewServer(m, memory.Launch{PipelineParallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	if got := whole.GPUs(); got != 1 {
		t.Fatalf("whole.GPUs() = %v, want %v", got, 1)
	}
	if got := split.GPUs(); got != 4 {
		t.Fatalf("split.GPUs() = %v, want %v", got, 4)
	}
	if got := split.KVPerToken(); got >= whole.KVPerToken() {
		t.Fatalf("split.KVPerToken() = %v, want less than %v", got, whole.KVPerToken())
	}
}

func TestDraft(t *testing.T) {
	// Llama-3.1-8B with an EAGLE head of one layer keeps 33 layers: 135,168 bytes per token.
	eagle, err := model.Parse([]byte(`{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 1, "num_attention_heads": 32,
		"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false}`))
	if err != nil {
		t.Fatal(err)
	}
	target := known(t, "meta-llama/Llama-3.1-8B-Instruct")
	with, err := memory.NewServerWithDraft(target, eagle, memory.Launch{Draft: "eagle", DraftTokens: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := with.KVPerToken(); got != 135168 {
		t.Fatalf("with.KVPerToken() = %v, want %v", got, 135168)
	}

	_, err = memory.NewServer(target, memory.Launch{Draft: "eagle"})
	if err == nil || !strings.Contains(err.Error(), `Draft is "eagle": the size of that model is not known`) {
		t.Fatalf("error %v, want %q", err, `Draft is "eagle": the size of that model is not known`)
	}
	_, err = memory.NewServer(target, memory.Launch{Draft: memory.OwnDraft})
	if err == nil || !strings.Contains(err.Error(), "the model has no draft layers") {
		t.Fatalf("error %v, want %q", err, "the model has no draft layers")
	}

	deepseek := known(t, "deepseek-ai/DeepSeek-V3")
	own, err := memory.NewServer(deepseek, memory.Launch{Draft: memory.OwnDraft, TensorParallel: 8})
	if err != nil {
		t.Fatal(err)
	}
	if got := own.KVPerToken(); got != 70272+1152 {
		t.Fatalf("own.KVPerToken() = %v, want %v", got, 70272+1152)
	}
}

func TestRefusesAbsurdLaunches(t *testing.T) {
	for want, launch := range map[string]memory.Launch{
		"MaxModelLen is -1":           {MaxModelLen: -1},
		"MaxModelLen is 1000000000":   {MaxModelLen: 1_000_000_000_000_000_000},
		"TensorParallel is 3":         {TensorParallel: 3},
		"TensorParallel is 100000":    {TensorParallel: 100_000},
		"PipelineParallel is 33":      {PipelineParallel: 33},
		"StageLayers [1 2]":           {PipelineParallel: 2, StageLayers: []int64{1, 2}},
		"Utilisation is 1.5":          {Utilisation: 1.5},
		"MaxSequences is 99999999999": {MaxSequences: 99_999_999_999},
		`Engine is "ollama"`:          {Engine: "ollama"},
	} {
		_, err := memory.NewServer(known(t, "meta-llama/Llama-3.1-8B-Instruct"), launch)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %q", err, want)
		}
	}
}

// What engines refuse to divide, with the model's own numbers.
func TestRefusesDegreesThatDoNotDivide(t *testing.T) {
	for _, tc := range []struct {
		model  string
		launch memory.Launch
		want   string
	}{
		{"microsoft/phi-4", memory.Launch{TensorParallel: 4}, "neither it nor the model's 10 KV heads divide the other"}, // vllm#16021
		{"Qwen/Qwen2.5-7B", memory.Launch{TensorParallel: 7}, "neither it nor the model's 4 KV heads divide the other"},
		{"Qwen/Qwen3-235B-A22B-FP8", memory.Launch{TensorParallel: 8}, "not whole groups of 128"}, // vllm#17569
		{"Qwen/Qwen3-235B-A22B-FP8", memory.Launch{TensorParallel: 8, ExpertParallel: true}, ""},
		{"microsoft/phi-4", memory.Launch{TensorParallel: 2}, ""},
		{"Qwen/Qwen3-235B-A22B", memory.Launch{TensorParallel: 8}, ""},
		{"openai/gpt-oss-120b", memory.Launch{TensorParallel: 8}, ""},
		{"deepseek-ai/DeepSeek-V3", memory.Launch{TensorParallel: 8}, ""},
		{"deepseek-ai/DeepSeek-V3", memory.Launch{TensorParallel: 16}, ""},
		{"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", memory.Launch{TensorParallel: 8}, ""},
	} {
		_, err := memory.NewServer(known(t, tc.model), tc.launch)
		if tc.want == "" {
			if err != nil {
				t.Fatalf("%v: %v", tc.model, err)
			}
		} else {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v: error %v, want %q", tc.model, err, tc.want)
			}
		}
	}
}

// SGLang, TGI and TensorRT-LLM serve shorter requests where the model's own length
// does not fit; vLLM refuses to start.
func TestShorterRequests(t *testing.T) {
	for engine, starts := range map[memory.Engine]bool{memory.VLLM: false, memory.SGLang: true, memory.TGI: true, memory.TensorRTLLM: true} {
		e := estimate(t, "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{Engine: engine}, whole(t, "L4"), memory.Demand{})
		if got := e.Holds(); got != starts {
			t.Fatalf("%s: %s: e.Holds() = %v, want %v", engine, e.Explain(), got, starts)
		}
		if e.LongestContext >= int64(131072) {
			t.Fatalf("e.LongestContext = %v, want less than %v", e.LongestContext, int64(131072))
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, tc := range []struct {
		model  string
		launch memory.Launch
		gpu    string
		want   string
	}{
		{"meta-llama/Llama-3.1-8B-Instruct", memory.Launch{Quantisation: "fp8", Version: memory.Version{Minor: 11}}, "T4",
			"vLLM needs 8.0 for fp8"},
		{"meta-llama/Llama-3.1-8B-Instruct", memory.Launch{Quantisation: "fp8"}, "T4", ""},
		{"openai/gpt-oss-20b", memory.Launch{}, "V100-SXM2-32GB", "vLLM needs 8.0 for mxfp4"},
		{"google/gemma-3-27b-it", memory.Launch{}, "T4", "has no bfloat16"},
		{"meta-llama/Llama-3.2-1B", memory.Launch{}, "P100-SXM2-16GB", "compute capability 6.0, and vLLM needs 7.0"},
	} {
		e := estimate(t, tc.model, tc.launch, whole(t, tc.gpu), memory.Demand{})
		if tc.want == "" {
			if got := e.UnsupportedReason(); got != "" {
				t.Fatalf("%v: e.UnsupportedReason() = %v, want none", tc.model, got)
			}
		} else {
			if got := e.UnsupportedReason(); !strings.Contains(got, tc.want) {
				t.Fatalf("%q does not contain %q", got, tc.want)
			}
		}
	}
}

// Whatever the launch says within its bounds, sums do not overflow.
func TestLargestLaunch(t *testing.T) {
	e := estimate(t, "meta-llama/Llama-3.1-405B-Instruct", memory.Launch{MaxModelLen: 1 << 32, MaxBatchedTokens: 1 << 32,
		MaxSequences: 1 << 20, BlockSize: 1 << 20, KVFormat: memory.KVAuto, Dtype: "float32"}, whole(t, "T4"), memory.Demand{Requests: 1 << 20})
	if got := e.Outcome(); got == memory.OutcomeStarts {
		t.Fatalf("e.Outcome() = %v, want anything else", got)
	}
	if e.Activations <= 0 {
		t.Fatalf("e.Activations = %v, want more than 0", e.Activations)
	}
	if e.One <= 0 {
		t.Fatalf("e.One = %v, want more than 0", e.One)
	}
	if e.Wanted <= 0 {
		t.Fatalf("e.Wanted = %v, want more than 0", e.Wanted)
	}
	if e.KV >= 0 {
		t.Fatalf("e.KV = %v, want less than 0", e.KV)
	}
	if got := e.Need().Wanted; got <= 0 {
		t.Fatalf("e.Need().Wanted = %v, want more than 0", got)
	}
}

func TestOptions(t *testing.T) {
	offers := []memory.GPUOffer{
		{GPU: whole(t, "H100-SXM5-80GB"), Model: "H100-SXM5-80GB", Most: 8, Cost: 688},
		{GPU: whole(t, "T4"), Model: "T4", Most: 4, Cost: 35},
		{GPU: whole(t, "L40S"), Model: "L40S", Most: 8, Cost: 186},
		{GPU: memory.GPU{Name: "1g.10gb", Total: gib(9.5)}, Model: "A100-SXM4-80GB", Profile: "1g.10gb", Most: 1, Cost: 50},
	}
	options := memory.FindOptions(known(t, "meta-llama/Llama-3.1-8B-Instruct"), memory.Launch{MaxModelLen: 4096}, offers, memory.Demand{})
	var got []string
	for _, option := range options {
		if option.Holds() {
			got = append(got, option.Offer.GPU.Name)
		}
	}
	// Two T4 are cheaper than one L40S; a slice is too small, and two cannot work together.
	if diff := cmp.Diff([]string{"Tesla T4", "NVIDIA L40S", "NVIDIA H100 80GB HBM3"}, got); diff != "" {
		t.Fatalf("got (-want +got):\n%s", diff)
	}
	if options[0].TensorParallel != 2 {
		t.Fatalf("options[0].TensorParallel = %v, want %v", options[0].TensorParallel, 2)
	}
	if options[3].Holds() {
		t.Fatal("options[3].Holds() is true")
	}
	if got := options[3].Estimate.Outcome(); got != memory.OutcomeNoBlocks {
		t.Fatalf("options[3].Estimate.Outcome() = %v, want %v", got, memory.OutcomeNoBlocks)
	}
}

// One estimate, the server made anew as the scheduler does for each pod and GPU model.
// 100,000 per second and core is 10 microseconds.
func BenchmarkEstimate(b *testing.B) {
	gpu := whole(b, "H100-SXM5-80GB")
	for _, name := range []string{"meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3"} {
		b.Run(name, func(b *testing.B) {
			m := known(b, name)
			for b.Loop() {
				server, err := memory.NewServer(m, memory.Launch{TensorParallel: 8, MaxModelLen: 32768})
				if err != nil {
					b.Fatal(err)
				}
				e := server.On(gpu, memory.Demand{Requests: 8})
				if e.Outcome() == memory.OutcomeNoMemory {
					b.Fatal(e.Explain())
				}
			}
		})
	}
}

// Qwen3-235B in FP8 divides by 4 and not by 8: that is said, and does not hide what 4 do.
func TestOptionsPassOverDegreesThatDoNotDivide(t *testing.T) {
	m := known(t, "Qwen/Qwen3-235B-A22B-FP8")
	on := func(gpu string) memory.ServerOption {
		offers := []memory.GPUOffer{{GPU: whole(t, gpu), Model: gpu, Most: 8}}
		return memory.FindOptions(m, memory.Launch{MaxModelLen: 4096}, offers, memory.Demand{})[0]
	}
	enough := on("H100-SXM5-80GB")
	if !enough.Holds() {
		t.Fatal("enough.Holds() is false")
	}
	if enough.TensorParallel != 4 {
		t.Fatalf("enough.TensorParallel = %v, want %v", enough.TensorParallel, 4)
	}
	if enough.Undivided != nil {
		t.Fatal(enough.Undivided)
	}

	short := on("L40S")
	if short.Holds() {
		t.Fatal("short.Holds() is true")
	}
	if short.TensorParallel != 4 {
		t.Fatalf("short.TensorParallel = %v, want %v", short.TensorParallel, 4)
	}
	if short.Undivided == nil || !strings.Contains(short.Undivided.Error(), "not whole groups of 128") {
		t.Fatalf("error %v, want %q", short.Undivided, "not whole groups of 128")
	}
}
