package model

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keptBytes is what a model keeps with 16-bit keys and values on one GPU: per token of a
// long request in layers that keep every token, per token in sliding and chunked
// layers, per request in cross-attention and in states.
type keptBytes struct{ everyToken, window, cross, state int64 }

func keptBy(m *Model) keptBytes {
	var k keptBytes
	for _, layer := range m.Order {
		for _, c := range m.Layers[layer].Caches {
			pair := 2 * c.KVHeads * (c.KeyDim + c.ValueDim)
			switch c.Attention {
			case FullAttention:
				k.everyToken += pair + c.IndexBytes
			case LatentAttention:
				k.everyToken += 2*c.LatentDim + c.IndexBytes
			case SlidingAttention, ChunkedAttention:
				k.window += pair
			case CrossAttention:
				k.cross += pair * c.Window
			case RecurrentState:
				bits := max(16, c.StateBits)
				k.state += 2*c.ConvElements + c.StateElements*bits/8
			}
		}
	}
	return k
}

// TestCaches: sources are the published shapes, vLLM's logged cache sizes, and for
// states vLLM's MambaStateShapeCalculator by hand.
func TestCaches(t *testing.T) {
	for name, want := range map[string]keptBytes{
		"meta-llama/Llama-2-7b-hf":                  {everyToken: 524288},
		"meta-llama/Llama-3.1-8B":                   {everyToken: 131072},
		"meta-llama/Llama-3.1-70B":                  {everyToken: 327680},
		"meta-llama/Llama-4-Scout-17B-16E-Instruct": {everyToken: 12 * 4096, window: 36 * 4096},
		"mistralai/Mistral-7B-v0.1":                 {window: 131072},
		"mistralai/Mistral-Small-4-119B-2603":       {everyToken: 23040},
		"Qwen/Qwen2.5-7B":                           {everyToken: 57344},
		"Qwen/Qwen3-235B-A22B":                      {everyToken: 192512},
		"openai/gpt-oss-20b":                        {everyToken: 24576, window: 24576},
		"openai/gpt-oss-120b":                       {everyToken: 36864, window: 36864},
		"google/gemma-2-9b":                         {everyToken: 172032, window: 172032},
		"google/gemma-3-27b-it":                     {everyToken: 81920, window: 52 * 8192},
		"google/gemma-4-31B-it":                     {everyToken: 81920, window: 50 * 16384},
		"google/gemma-4-26B-A4B-it":                 {everyToken: 20480, window: 25 * 8192},
		// 35 layers of which the last 20 read the cache of others: 3 full, 12 sliding.
		"google/gemma-4-E2B-it":         {everyToken: 3 * 2048, window: 12 * 1024},
		"microsoft/phi-4":               {everyToken: 204800},
		"tiiuae/falcon-7b":              {everyToken: 8192},
		"deepseek-ai/DeepSeek-V2-Lite":  {everyToken: 31104},
		"deepseek-ai/DeepSeek-V3":       {everyToken: 70272},
		"deepseek-ai/DeepSeek-V3.2":     {everyToken: 70272 + 61*132},
		"openai/whisper-large-v3":       {everyToken: 163840, cross: 163840 * 1500},
		"google-bert/bert-base-uncased": {},
		"microsoft/resnet-50":           {},
		// 36 layers of (2*16*128 + 32*128) x 3 and 32 x 128 x 128 numbers.
		"Qwen/Qwen3-Next-80B-A3B-Instruct": {everyToken: 12 * 2048, state: 36 * 2 * (8192*3 + 524288)},
		"state-spaces/mamba-130m-hf":       {state: 24 * 2 * (1536*3 + 1536*16)},
		// 28 layers of (8192 x 3) and 8192 x 16 numbers, 4 of attention.
		"ai21labs/AI21-Jamba-1.5-Mini": {everyToken: 4 * 4096, state: 28 * 2 * (8192*3 + 8192*16)},
		// 20 layers of delta attention, in 32 bits.
		"moonshotai/Kimi-Linear-48B-A3B-Instruct": {everyToken: 7 * 1152, state: 20 * (2*3*4096*3 + 4*4096*128)},
		"ibm-granite/granite-4.0-h-tiny":          {everyToken: 4 * 2048, state: 36 * 2 * (3*(3072+256) + 48*64*128)},
	} {
		m, err := Known(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := keptBy(m), want; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: keptBy(m) = %+v, want %+v", name, got, want)
		}
	}
}

// TestDimensions: the numbers by which engines size what they keep beside weights.
func TestDimensions(t *testing.T) {
	for _, c := range []struct {
		name                                             string
		hidden, vocabulary, heads, headDim, maxPositions int64
		feedForward, active, expert, rotary, draft       int64
		tied                                             bool
		kind                                             Kind
	}{
		{"meta-llama/Llama-3.1-8B", 4096, 128256, 32, 128, 131072, 14336, 0, 0, 128, 0, false, DecoderKind},
		{"google/gemma-3-27b-it", 5376, 262208, 32, 128, 131072, 21504, 0, 0, 128, 0, true, DecoderKind},
		{"EleutherAI/gpt-neox-20b", 6144, 50432, 64, 96, 2048, 24576, 0, 0, 24, 0, false, DecoderKind},
		{"deepseek-ai/DeepSeek-V3", 7168, 129280, 128, 192, 163840, 18432, 8, 2048, 64, 1, false, DecoderKind},
		{"Qwen/Qwen3-235B-A22B", 4096, 151936, 64, 128, 40960, 0, 8, 1536, 128, 0, false, DecoderKind},
		{"Qwen/Qwen3-Next-80B-A3B-Instruct", 2048, 151936, 16, 256, 262144, 512, 10, 512, 64, 1, false, DecoderKind},
		{"bigscience/bloom-560m", 1024, 250880, 16, 64, 2048, 4096, 0, 0, 0, 0, true, DecoderKind},
		{"google-bert/bert-base-uncased", 768, 30522, 12, 64, 512, 3072, 0, 0, 0, 0, false, EncoderKind},
		{"openai/whisper-large-v3", 1280, 51866, 20, 64, 448, 5120, 0, 0, 0, 0, true, EncoderDecoder},
		{"microsoft/resnet-50", 2048, 0, 0, 0, 0, 2048, 0, 0, 0, 0, false, VisionKind},
	} {
		m, err := Known(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{c.hidden, c.vocabulary, c.heads, c.headDim, c.maxPositions, c.feedForward, c.active, c.expert, c.rotary,
			c.draft}, []int64{m.Hidden, m.Vocabulary, m.Heads, m.HeadDim, m.MaxPositions, m.FeedForward, m.ActiveExperts, m.ExpertWidth, m.RotaryDim,
			m.DraftLayers}); diff != "" {
			t.Fatalf("%v: got (-want +got):\n%s", c.name, diff)
		}
		if m.Tied != c.tied {
			t.Fatalf("%v: m.Tied = %v, want %v", c.name, m.Tied, c.tied)
		}
		if m.Kind != c.kind {
			t.Fatalf("%v: m.Kind = %v, want %v", c.name, m.Kind, c.kind)
		}
	}
}
