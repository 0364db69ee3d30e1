package memory_test

import (
	"math"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Starts that were logged in public, with what the logs say that they had loaded and what was left for the KV cache, in GiB:
// right is what is off by no more than 5 % or half a GiB, whichever is larger.
func TestPublicStarts(t *testing.T) {
	release := func(minor, patch int64) memory.Version { return memory.Version{Minor: minor, Patch: patch} }
	for name, tc := range map[string]struct {
		model, gpu     string
		launch         memory.Launch
		weights, kv    float64
		outcome        memory.Outcome
		longest, short int64 // the longest request is between these, 0 for not logged
	}{
		"pictures and videos on four GPUs": {"Qwen/Qwen3-VL-30B-A3B-Instruct", "RTX-3090", memory.Launch{Version: release(11, 0),
			TensorParallel: 4, MaxModelLen: 65536, Utilisation: 0.9}, 14.77, 2.31, memory.OutcomeStarts, 0, 0},
		"4 bits on a GPU of 24 GB": {"Qwen/Qwen2.5-14B-Instruct-AWQ", "A10G", memory.Launch{Version: release(19, 1), MaxModelLen: 4096,
			Utilisation: 0.9}, 9.38, 9.1, memory.OutcomeStarts, 0, 0},
		"4 bits in half of it": {"Qwen/Qwen2.5-14B-Instruct-AWQ", "A10G", memory.Launch{Version: release(19, 1), MaxModelLen: 16384,
			Utilisation: 0.5}, 9.38, 0.18, memory.OutcomeTooLong, 976, 4096},
		"states and pictures, as a library": {"Qwen/Qwen3.5-9B", "L40S", memory.Launch{Version: release(19, 0), MaxBatchedTokens: 8192,
			Utilisation: 0.9}, 17.66, 20.27, memory.OutcomeStarts, 0, 0},
		"states and pictures in half of a GPU": {"Qwen/Qwen3.5-4B", "L40S", memory.Launch{Version: release(22, 0), MaxBatchedTokens: 8192,
			MaxModelLen: 1024, Utilisation: 0.5}, 8.61, 11.11, memory.OutcomeStarts, 0, 0},
		"text": {"Qwen/Qwen2.5-7B-Instruct", "L40S", memory.Launch{Version: release(22, 0), MaxModelLen: 4096, MaxSequences: 128,
			Utilisation: 0.95}, 14.29, 26.32, memory.OutcomeStarts, 0, 0},
		"pictures and few requests": {"google/gemma-4-31B-it", "RTX-PRO-6000", memory.Launch{Version: release(23, 0), MaxModelLen: 32768,
			MaxSequences: 20, MaxBatchedTokens: 8192, Utilisation: 0.94}, 58.99, 28.41, memory.OutcomeStarts, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := estimate(t, tc.model, tc.launch, whole(t, tc.gpu), memory.Demand{})
			weights, kv := float64(e.WeightBytes())/float64(gib(1)), float64(e.KV)/float64(gib(1))
			if math.Abs(weights-tc.weights) > max(tc.weights/50, 0.1) {
				t.Errorf("%.2f GiB of weights, want %.2f", weights, tc.weights)
			}
			if math.Abs(kv-tc.kv) > max(0.05*tc.kv, 0.5) {
				t.Errorf("%.2f GiB for the KV cache, want %.2f: %s", kv, tc.kv, e.Explain())
			}
			if got := e.Outcome(); got != tc.outcome {
				t.Errorf("outcome %v, want %v", got, tc.outcome)
			}
			if tc.longest > 0 && (e.LongestContext < tc.longest || e.LongestContext > tc.short) {
				t.Errorf("the longest request is %d tokens, want %d to %d", e.LongestContext, tc.longest, tc.short)
			}
			if tc.kv > 0 && math.Abs(kv-tc.kv) > float64(e.Margin)/float64(gib(1)) {
				t.Errorf("%.2f GiB is further from %.2f than the margin %s", kv, tc.kv, e.Margin)
			}
		})
	}
}

// Drafted tokens each keep a state of a request, with a longer convolution in all of them. vLLM 0.20.1 wanted 1.71 GiB for
// one request of 16,384 tokens with two drafted ones; 33 blocks of 17 layers x 800 tokens x 4,096 bytes.
func TestStatesOfDrafts(t *testing.T) {
	l := memory.Launch{Version: memory.Version{Minor: 20, Patch: 1}, MaxModelLen: 16384}
	b200 := whole(t, "B200")
	for name, tc := range map[string]struct {
		draft         string
		tokens, block int64
		blocks        int64
	}{
		"without":          {"", 0, 16 * 784 * 4096, 27},
		"own draft layers": {memory.OwnDraft, 2, 17 * 800 * 4096, 33},
		"n-grams":          {"", 2, 16 * 800 * 4096, 33},
		"own, by default":  {memory.OwnDraft, 0, 17 * 800 * 4096, 30},
		"no prefixes":      {"no prefixes", 0, 16 * 784 * 4096, 24},
	} {
		t.Run(name, func(t *testing.T) {
			with := l
			with.Draft, with.DraftTokens = tc.draft, tc.tokens
			if tc.draft == name {
				with.Draft, with.NoPrefixCaching = "", true
			}
			e := estimate(t, "Qwen/Qwen3.6-27B", with, b200, memory.Demand{})
			if int64(e.Block) != tc.block || int64(e.One) != tc.block*tc.blocks {
				t.Errorf("a request takes %d blocks of %d bytes, want %d of %d", int64(e.One)/int64(e.Block), int64(e.Block), tc.blocks, tc.block)
			}
		})
	}
}
