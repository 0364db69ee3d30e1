package training

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

const llama7 = "meta-llama/Llama-2-7b-hf"

// usual are settings that most jobs start from.
func usual(change func(*Settings)) Settings {
	s := Settings{Precision: MixedPrecision, Optimizer: AdamW, Batch: 1, SequenceLength: 4096, Shards: 1}
	if change != nil {
		change(&s)
	}
	return s
}

func knownModel(t *testing.T, name string) *model.Model {
	t.Helper()
	m, err := model.Known(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func accountFor(t *testing.T, m *model.Model, s Settings) *Account {
	t.Helper()
	a, err := NewAccount(m, s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Bytes per parameter of 6,738,415,616, by hand.
func TestStatesPerParameter(t *testing.T) {
	const parameters = 6_738_415_616
	m := knownModel(t, llama7)
	for name, tc := range map[string]struct {
		change                              func(*Settings)
		weights, gradients, master, moments float64
	}{
		"mixed, Adam":          {nil, 2, 2, 4, 8},
		"mixed, Adam 8-bit":    {func(s *Settings) { s.Optimizer = AdamW8Bit }, 2, 2, 4, 2 + 8./256},
		"mixed, SGD":           {func(s *Settings) { s.Optimizer = SGD }, 2, 2, 4, 0},
		"mixed, momentum":      {func(s *Settings) { s.Optimizer = Momentum }, 2, 2, 4, 4},
		"mixed, Lion":          {func(s *Settings) { s.Optimizer = Lion }, 2, 2, 4, 4},
		"16 bits, Adam":        {func(s *Settings) { s.Precision = HalfPrecision }, 2, 2, 0, 4}, // 14 + 14 + 28 GB
		"32 bits, Adam":        {func(s *Settings) { s.Precision = SinglePrecision }, 4, 4, 0, 8},
		"32 bits, Adam 8-bit":  {func(s *Settings) { s.Precision, s.Optimizer = SinglePrecision, AdamW8Bit }, 4, 4, 0, 2 + 8./256},
		"longer batches, same": {func(s *Settings) { s.Batch, s.SequenceLength = 8, 128 }, 2, 2, 4, 8},
	} {
		t.Run(name, func(t *testing.T) {
			a := accountFor(t, m, usual(tc.change))
			if a.Parameters != parameters || a.Trained != parameters {
				t.Fatalf("%d parameters, %d trained, want %d", a.Parameters, a.Trained, int64(parameters))
			}
			for part, pair := range map[string][2]float64{
				"weights": {float64(a.Weights), tc.weights}, "gradients": {float64(a.Gradients), tc.gradients},
				"master": {float64(a.Master), tc.master}, "moments": {float64(a.Moments), tc.moments},
			} {
				if got := pair[0] / parameters; math.Abs(got-pair[1]) > 1e-4 {
					t.Errorf("%s take %.4f bytes a parameter, want %.4f", part, got, pair[1])
				}
			}
		})
	}
}

// The example of the ZeRO paper's figure 1: 7.5 billion parameters on 64 GPUs.
func TestShardedStates(t *testing.T) {
	m := &model.Model{Outer: []model.Tensor{{Part: model.MLPPart, Rows: 75_000, Columns: 100_000, Count: 1, Format: model.Bits16}}}
	for stage, want := range map[ShardingStage]float64{ShardNothing: 120, ShardOptimizer: 31.4, ShardGradients: 16.6, ShardParameters: 1.9} {
		a := accountFor(t, m, usual(func(s *Settings) { s.Stage, s.Shards = stage, 64 }))
		if got := float64(a.States()) / 1e9; math.Abs(got-want) > 0.05 {
			t.Errorf("%s: %.2f GB, want %.1f", stage, got, want)
		}
	}
}

// Of each token, a layer of Llama-2-7B keeps, in numbers: two norms 8192; q, k, v and the
// attention's result 16384; two residuals 8192; gate, up, the gate's activation and their
// product 44032; and the input of both norms in 32 bits.
func TestActivations(t *testing.T) {
	const layer, tokens, width, layers, vocabulary = 8192 + 16384 + 8192 + 44032 + 2*8192, 2 * 512, 4096, 32, 32000
	a := accountFor(t, knownModel(t, llama7), usual(func(s *Settings) { s.Batch, s.SequenceLength = 2, 512 }))
	want := map[string]topology.Bytes{
		"kept": tokens * 2 * (layers*layer + 3*width), "checkpointed": tokens * 2 * (layers*width + layer + 3*width),
		"loss": tokens * vocabulary * 14,
	}
	got := map[string]topology.Bytes{"kept": a.Kept, "checkpointed": a.Checkpointed, "loss": a.Loss}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a step (-want +got):\n%s", diff)
	}
	if a.Activations != a.Kept {
		t.Errorf("activations %s without checkpointing, want %s", a.Activations, a.Kept)
	}
	with := accountFor(t, knownModel(t, llama7), usual(func(s *Settings) { s.Batch, s.SequenceLength, s.Recompute = 2, 512, RecomputeLayers }))
	if with.Activations != a.Checkpointed || with.OtherTotal() != a.Total() || a.OtherTotal() != with.Total() {
		t.Errorf("with checkpointing %s and %s, without %s and %s", with.Total(), with.OtherTotal(), a.Total(), a.OtherTotal())
	}
}

// The paper's 34 s b h bytes of a GPT layer, less 2 for the masks of its two dropouts.
func TestActivationsOfGPT(t *testing.T) {
	m := knownModel(t, "openai-community/gpt2")
	if got, want := layerNumbers(m, &m.Layers[m.Order[0]])*2, 32*m.Hidden; got != want {
		t.Errorf("%d bytes a token, want %d", got, want)
	}
}

// Of 8 experts a token visits 2, and their 46.7 billion parameters are all trained.
func TestExperts(t *testing.T) {
	m := knownModel(t, "mistralai/Mixtral-8x7B-Instruct-v0.1")
	const norms, attention, residuals, router, experts = 8192, 4096 + 2*1024 + 4096, 2 * 4096, 8, 2 * (4 * 14336)
	// Both experts give 4096 numbers that are added up; one of these is the residual above.
	if got, want := layerNumbers(m, &m.Layers[m.Order[0]]), int64(norms+attention+residuals+router+experts+4096); got != want {
		t.Errorf("%d numbers a token, want %d", got, want)
	}
	if a := accountFor(t, m, usual(nil)); a.Trained != m.Parameters() {
		t.Errorf("%d trained of %d", a.Trained, m.Parameters())
	}
}

// LoRA of rank 16 on all linear layers of Llama-2-7B: 32 layers of 4 x 16 x 8192 and
// 3 x 16 x 15104 numbers.
func TestAdapters(t *testing.T) {
	const trained, parameters = 32 * (4*16*8192 + 3*16*15104), 6_738_415_616
	m := knownModel(t, llama7)
	lora := accountFor(t, m, usual(func(s *Settings) { s.AdapterRank = 16 }))
	if lora.Trained != trained || lora.Gradients != 2*trained || lora.Master != 4*trained || lora.Moments != 8*trained {
		t.Errorf("%d trained, gradients %d, master %d, moments %d; want %d times 1, 2, 4 and 8", lora.Trained, lora.Gradients, lora.Master,
			lora.Moments, trained)
	}
	if want := topology.Bytes(2 * (parameters + trained)); lora.Weights != want {
		t.Errorf("weights %d, want %d", lora.Weights, want)
	}
	// 6,476,005,376 numbers of layers in 4 bits and a byte for 64 of them; the rest in 16 bits.
	qlora := accountFor(t, m, usual(func(s *Settings) { s.AdapterRank, s.QuantisedBase = 16, true }))
	const linear = 32 * (4*4096*4096 + 3*4096*11008)
	if want := topology.Bytes(linear/2 + linear/64 + 2*(parameters-linear) + 2*trained); qlora.Weights != want {
		t.Errorf("quantised weights %d, want %d", qlora.Weights, want)
	}
}

// FSDP makes what is outside of layers whole, two layers, and one layer's gradients.
func TestGathered(t *testing.T) {
	const outer, layer = 2*32000*4096 + 4096, 4*4096*4096 + 3*4096*11008 + 2*4096
	a := accountFor(t, knownModel(t, llama7), usual(func(s *Settings) { s.Stage, s.Shards = ShardParameters, 8 }))
	if want := topology.Bytes(2 * (outer + 3*layer)); a.Gathered != want {
		t.Errorf("gathered %d, want %d", a.Gathered, want)
	}
	if one := accountFor(t, knownModel(t, llama7), usual(func(s *Settings) { s.Stage = ShardParameters })); one.Gathered != 0 {
		t.Errorf("%s are gathered on one GPU", one.Gathered)
	}
}

func TestFewestShards(t *testing.T) {
	m := knownModel(t, llama7)
	for name, tc := range map[string]struct {
		change func(*Settings)
		total  topology.Bytes
		want   int64 // 0 for none
	}{
		"one":              {nil, 141 * topology.GiB, 1},
		"shared":           {func(s *Settings) { s.Stage = ShardParameters }, 79 * topology.GiB, 2},
		"checkpointed":     {func(s *Settings) { s.Stage, s.Recompute = ShardParameters, RecomputeLayers }, 40 * topology.GiB, 4},
		"nothing shared":   {nil, 79 * topology.GiB, 0},
		"never small":      {func(s *Settings) { s.Stage = ShardParameters }, 16 * topology.GiB, 0},
		"adapters on one":  {func(s *Settings) { s.AdapterRank, s.Recompute = 16, RecomputeLayers }, 24 * topology.GiB, 1},
		"optimizer shared": {func(s *Settings) { s.Stage, s.Recompute = ShardOptimizer, RecomputeLayers }, 39 * topology.GiB, 16},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := FewestShards(m, usual(tc.change), tc.total)
			if err != nil {
				t.Fatal(err)
			}
			got := int64(0)
			if a != nil {
				got = a.Settings.Shards
			}
			if got != tc.want {
				t.Errorf("%d GPUs, want %d", got, tc.want)
			}
		})
	}
}

func TestSettingsMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		model  string
		change func(*Settings)
		want   string
	}{
		"no batch":          {llama7, func(s *Settings) { s.Batch = 0 }, "Batch: 0: want 1 to"},
		"endless sequences": {llama7, func(s *Settings) { s.SequenceLength = 1 << 40 }, "SequenceLength: 1099511627776: want 1 to"},
		"no GPUs":           {llama7, func(s *Settings) { s.Shards = -1 }, "Shards: -1: want 1 to"},
		"optimizer":         {llama7, func(s *Settings) { s.Optimizer = "adam9" }, `Optimizer: "adam9": want one of [adamw adamw-8bit sgd`},
		"4 bits trained":    {llama7, func(s *Settings) { s.QuantisedBase = true }, "weights of 4 bits are not trained"},
		"quantised files":   {"Qwen/Qwen3-8B-AWQ", nil, "its files are quantised (awq), which are not trained"},
		"recurrent":         {"state-spaces/mamba-2.8b-hf", nil, "recurrent layers"},
		"pictures":          {"microsoft/resnet-50", nil, "what a vision model keeps"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewAccount(knownModel(t, tc.model), usual(tc.change))
			if err == nil || !errors.As(err, new(*SettingsError)) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want a SettingsError with %q", err, tc.want)
			}
		})
	}
}

// What nobody can mean is large, and not negative.
func TestAbsurdBatch(t *testing.T) {
	most := usual(func(s *Settings) { s.Batch, s.SequenceLength = maxBatch, maxLength })
	a := accountFor(t, knownModel(t, "meta-llama/Llama-3.1-405B"), most)
	if a.Total() <= 0 || a.OtherTotal() <= 0 || a.Margin() <= 0 || a.FitOn(1<<50) != FitsNot {
		t.Errorf("peak %d, with checkpointing %d, margin %d", a.Total(), a.OtherTotal(), a.Margin())
	}
}

func TestParseStage(t *testing.T) {
	for text, want := range map[string]ShardingStage{"none": ShardNothing, "zero-2": ShardGradients, "zero-3": ShardParameters,
		"fsdp": ShardParameters} {
		if got, err := ParseStage(text); err != nil || got != want {
			t.Errorf("ParseStage(%q) = %s, %v", text, got, err)
		}
	}
	if _, err := ParseStage("zero-4"); err == nil || !strings.Contains(err.Error(), "want one of none, zero-1, zero-2, zero-3, fsdp") {
		t.Errorf("error %v", err)
	}
}
