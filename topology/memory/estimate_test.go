package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

func known(t testing.TB, name string) *model.Model {
	t.Helper()
	m, err := model.Known(name)
	require.NoError(t, err)
	return m
}

func whole(t testing.TB, name string) memory.GPU {
	t.Helper()
	gpus, err := catalogue.LoadFS()
	require.NoError(t, err)
	m, err := gpus.Model(name)
	require.NoError(t, err)
	return memory.WholeGPU(m)
}

func estimate(t testing.TB, name string, launch memory.Launch, gpu memory.GPU, demand memory.Demand) memory.Estimate {
	t.Helper()
	server, err := memory.NewServer(known(t, name), launch)
	require.NoError(t, err)
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
		require.InDelta(t, float64(gib(tc.weights)), float64(e.WeightBytes()), float64(gib(0.1)), tc.model)
		require.InDelta(t, float64(gib(tc.activations)), float64(e.Activations), float64(gib(0.15)), tc.model)
		require.InDelta(t, float64(gib(tc.kv)), float64(e.KV), float64(gib(0.15)), tc.model)
		require.Equal(t, tc.outcome, e.Outcome(), tc.model)
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
			require.NoError(t, err)
			require.Equal(t, tc.perToken, server.KVPerToken())
			e := server.On(large, memory.Demand{})
			require.InDelta(t, tc.one, float64(e.One)/float64(topology.GiB), 0.002)
		})
	}
}

// What people ask first: does it fit, and if not, why.
func TestFits(t *testing.T) {
	llama8B, llama70B := "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"

	t4 := estimate(t, llama8B, memory.Launch{MaxModelLen: 4096}, whole(t, "T4"), memory.Demand{})
	require.Equal(t, memory.OutcomeNoBlocks, t4.Outcome())
	require.True(t, t4.IsCertain())
	require.Contains(t, t4.Explain(), "14.99GiB weights")

	a100 := estimate(t, llama8B, memory.Launch{MaxModelLen: 4096}, whole(t, "A100-SXM4-80GB"), memory.Demand{Requests: 16})
	require.True(t, a100.Holds())
	require.Contains(t, a100.Explain(), "8GiB needed")

	for _, tc := range []struct {
		gpus, length int64
		want         bool
	}{{1, 4096, false}, {2, 4096, true}, {2, 131072, false}, {4, 131072, true}} {
		e := estimate(t, llama70B, memory.Launch{TensorParallel: tc.gpus, MaxModelLen: tc.length}, whole(t, "H100-SXM5-80GB"), memory.Demand{})
		require.Equal(t, tc.want, e.Holds(), "%d GPUs, %d tokens: %s", tc.gpus, tc.length, e.Explain())
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
			require.Equal(t, memory.OutcomeStarts, ptr(estimate(t, name, launch, whole(t, gpu), memory.Demand{})).Outcome(), "%s on %s", name, gpu)
			launch.MaxModelLen++
			require.Equal(t, memory.OutcomeTooLong, ptr(estimate(t, name, launch, whole(t, gpu), memory.Demand{})).Outcome(), "%s on %s", name,
				gpu)
		}
	}
}

func ptr(e memory.Estimate) *memory.Estimate { return &e }

func TestStages(t *testing.T) {
	// 62 layers over 4 stages: the two that do not divide evenly go before the last.
	m := known(t, "google/gemma-3-27b-it")
	whole, err := memory.NewServer(m, memory.Launch{})
	require.NoError(t, err)
	split, err := memory.NewServer(m, memory.Launch{PipelineParallel: 4})
	require.NoError(t, err)
	require.EqualValues(t, 1, whole.GPUs())
	require.EqualValues(t, 4, split.GPUs())
	require.Less(t, split.KVPerToken(), whole.KVPerToken())
}

func TestDraft(t *testing.T) {
	// Llama-3.1-8B with an EAGLE head of one layer keeps 33 layers: 135,168 bytes per token.
	eagle, err := model.Parse([]byte(`{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 1, "num_attention_heads": 32,
		"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false}`))
	require.NoError(t, err)
	target := known(t, "meta-llama/Llama-3.1-8B-Instruct")
	with, err := memory.NewServerWithDraft(target, eagle, memory.Launch{Draft: "eagle", DraftTokens: 3})
	require.NoError(t, err)
	require.EqualValues(t, 135168, with.KVPerToken())

	_, err = memory.NewServer(target, memory.Launch{Draft: "eagle"})
	require.ErrorContains(t, err, `Draft is "eagle": the size of that model is not known`)
	_, err = memory.NewServer(target, memory.Launch{Draft: memory.OwnDraft})
	require.ErrorContains(t, err, "the model has no draft layers")

	deepseek := known(t, "deepseek-ai/DeepSeek-V3")
	own, err := memory.NewServer(deepseek, memory.Launch{Draft: memory.OwnDraft, TensorParallel: 8})
	require.NoError(t, err)
	require.EqualValues(t, 70272+1152, own.KVPerToken())
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
		require.ErrorContains(t, err, want)
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
			require.NoError(t, err, tc.model)
		} else {
			require.ErrorContains(t, err, tc.want, tc.model)
		}
	}
}

// SGLang, TGI and TensorRT-LLM serve shorter requests where the model's own length
// does not fit; vLLM refuses to start.
func TestShorterRequests(t *testing.T) {
	for engine, starts := range map[memory.Engine]bool{memory.VLLM: false, memory.SGLang: true, memory.TGI: true, memory.TensorRTLLM: true} {
		e := estimate(t, "meta-llama/Llama-3.1-8B-Instruct", memory.Launch{Engine: engine}, whole(t, "L4"), memory.Demand{})
		require.Equal(t, starts, e.Holds(), "%s: %s", engine, e.Explain())
		require.Less(t, e.LongestContext, int64(131072))
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
			require.Empty(t, e.UnsupportedReason(), tc.model)
		} else {
			require.Contains(t, e.UnsupportedReason(), tc.want)
		}
	}
}

// Whatever the launch says within its bounds, sums do not overflow.
func TestLargestLaunch(t *testing.T) {
	e := estimate(t, "meta-llama/Llama-3.1-405B-Instruct", memory.Launch{MaxModelLen: 1 << 32, MaxBatchedTokens: 1 << 32,
		MaxSequences: 1 << 20, BlockSize: 1 << 20, KVFormat: memory.KVAuto, Dtype: "float32"}, whole(t, "T4"), memory.Demand{Requests: 1 << 20})
	require.NotEqual(t, memory.OutcomeStarts, e.Outcome())
	require.Positive(t, e.Activations)
	require.Positive(t, e.One)
	require.Positive(t, e.Wanted)
	require.Negative(t, e.KV)
	require.Positive(t, e.Need().Wanted)
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
	require.Equal(t, []string{"Tesla T4", "NVIDIA L40S", "NVIDIA H100 80GB HBM3"}, got)
	require.EqualValues(t, 2, options[0].TensorParallel)
	require.False(t, options[3].Holds())
	require.Equal(t, memory.OutcomeNoBlocks, options[3].Estimate.Outcome())
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
	require.True(t, enough.Holds())
	require.EqualValues(t, 4, enough.TensorParallel)
	require.NoError(t, enough.Undivided)

	short := on("L40S")
	require.False(t, short.Holds())
	require.EqualValues(t, 4, short.TensorParallel)
	require.ErrorContains(t, short.Undivided, "not whole groups of 128")
}
