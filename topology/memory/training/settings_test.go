package training

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
)

// Bytes a parameter of 6,738,415,616, on one GPU.
func TestPrecisions(t *testing.T) {
	const parameters = 6_738_415_616
	m := knownModel(t, llama7)
	for precision, want := range map[Precision]float64{
		MixedPrecision: 16, LossScaled: 16, EightBits: 16, HalfPrecision: 8, SinglePrecision: 16,
		Autocast: 18 - 2*32000.*4096/parameters, // the embedding is looked up rather than cast; norms are no matrices
	} {
		a := accountFor(t, m, usual(func(s *Settings) { s.Precision = precision }))
		if got := float64(a.States()) / parameters; math.Abs(got-want) > 1e-3 {
			t.Errorf("%s: %.4f bytes a parameter, want %.4f", precision, got, want)
		}
	}
}

// What stands in host memory, and what is left on each of 4 GPUs.
func TestHostMemory(t *testing.T) {
	const parameters = 6_738_415_616
	m := knownModel(t, llama7)
	for name, tc := range map[string]struct {
		change       func(*Settings)
		states, host float64 // bytes a parameter
	}{
		"ZeRO-2, optimizer": {func(s *Settings) { s.Stage, s.Offload = ShardGradients, OffloadOptimizer }, 2, (12 + 2) / 4.},
		"ZeRO-1, optimizer": {func(s *Settings) { s.Stage, s.Offload = ShardOptimizer, OffloadOptimizer }, 2, 12/4. + 2},
		"FSDP, all":         {func(s *Settings) { s.Stage, s.Offload = ShardParameters, OffloadAll }, 0, 16 / 4.},
		"paged":             {func(s *Settings) { s.Stage, s.Optimizer = ShardParameters, PagedAdamW }, 8 / 4., 8 / 4.},
		"SHARD_GRAD_OP":     {func(s *Settings) { s.Stage = ShardGradOp }, 16 / 4., 0},
		"fused step, one GPU": {func(s *Settings) {
			s.Shards, s.FusedStep, s.Optimizer, s.Precision = 1, true, PagedAdamW8Bit, HalfPrecision
		}, 2 + 2*262148096./parameters, 2 + 8./256},
	} {
		t.Run(name, func(t *testing.T) {
			a := accountFor(t, m, usual(func(s *Settings) { s.Shards = 4; tc.change(s) }))
			if got := float64(a.States()) / parameters; math.Abs(got-tc.states) > 1e-3 {
				t.Errorf("%.4f bytes a parameter on the GPU, want %.4f", got, tc.states)
			}
			if got := float64(a.Host) / parameters; math.Abs(got-tc.host) > 1e-3 {
				t.Errorf("%.4f bytes a parameter in host memory, want %.4f", got, tc.host)
			}
		})
	}
}

// Where weights and gradients stand whole for a while.
func TestWholeParts(t *testing.T) {
	const parameters = 6_738_415_616
	m := knownModel(t, llama7)
	for name, tc := range map[string]struct {
		change                       func(*Settings)
		gathered, gradients, buckets float64 // GB
	}{
		"DDP":             {func(s *Settings) { s.Stage = ShardNothing }, 0, 2 * parameters, 2 * parameters},
		"ZeRO-2":          {func(s *Settings) { s.Stage = ShardGradients }, 0, 2 * parameters / 8., 2 * 2 * 5e8},
		"ZeRO-2, smaller": {func(s *Settings) { s.Stage, s.BucketNumbers = ShardGradients, 1e8 }, 0, 2 * parameters / 8., 2 * 2 * 1e8},
		"SHARD_GRAD_OP":   {func(s *Settings) { s.Stage = ShardGradOp }, 2*parameters + 2*202_383_360, 2 * parameters / 8., 0},
		"FSDP, accumulating": {func(s *Settings) { s.Stage, s.Accumulation = ShardParameters, 4 }, 2 * (262_148_096 + 2*202_383_360),
			2 * parameters, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := accountFor(t, m, usual(func(s *Settings) { s.Shards = 8; tc.change(s) }))
			for part, pair := range map[string][2]float64{
				"gathered": {float64(a.Gathered), tc.gathered}, "gradients": {float64(a.Gradients), tc.gradients}, "buckets": {float64(a.Buckets),
					tc.buckets},
			} {
				if math.Abs(pair[0]-pair[1]) > 1 {
					t.Errorf("%s %.0f bytes, want %.0f", part, pair[0], pair[1])
				}
			}
		})
	}
}

// Table 2 of Korthikanti et al.: bytes that a layer keeps with dropout and eager attention, of a GPT of width h with a heads
// on sequences of s; s b h (34 + 5 a s/h) without parallelism, (10 + 24/t + 5 a s/(h t)) with tensor parallelism,
// (34/t + 5 a s/(h t)) with sequence parallelism too. Here softmax is kept in 32 bits beside its cast, and eager attention copies
// what it multiplies: 9 for 5, and 8/t more.
func TestParallelActivations(t *testing.T) {
	m := knownModel(t, "openai-community/gpt2")
	layer := &m.Layers[m.Order[0]]
	h, a := float64(m.Hidden), float64(m.Heads)
	const length, degree = 1024, 4
	for name, tc := range map[string]struct {
		change func(*Settings)
		want   float64 // bytes a token
	}{
		"flash, no dropout": {func(*Settings) {}, 32 * h},
		"dropout":           {func(s *Settings) { s.Dropout = true }, 34 * h},
		"eager":             {func(s *Settings) { s.Dropout, s.EagerAttention = true, true }, (34+8)*h + 9*a*length},
		"tensor":            {func(s *Settings) { s.Dropout, s.TensorParallel = true, degree }, (10 + 24./degree) * h},
		"tensor, eager": {func(s *Settings) { s.Dropout, s.EagerAttention, s.TensorParallel = true, true, degree },
			(10+(24.+8)/degree)*h + 9*a*length/degree},
		"tensor and sequence": {func(s *Settings) { s.Dropout, s.TensorParallel, s.SequenceParallel = true, degree, true }, 34 * h / degree},
	} {
		t.Run(name, func(t *testing.T) {
			s := usual(func(s *Settings) { s.SequenceLength = length; tc.change(s) })
			if got := float64(layerBytes(m, layer, &s) + scoreBytes(m, &s)); got != tc.want {
				t.Errorf("%.0f bytes a token, want %.0f", got, tc.want)
			}
		})
	}
}

// Of what is kept, recomputation keeps a part; forms of the loss too.
func TestRecomputationAndLoss(t *testing.T) {
	m := knownModel(t, llama7)
	const tokens, width, layers, vocabulary = 2048, 4096, 32, 32000
	account := func(change func(*Settings)) *Account {
		return accountFor(t, m, usual(func(s *Settings) { s.SequenceLength = tokens; change(s) }))
	}
	// Every second of q, k, v, o, gate, up, down; the layer's input; what attention gives.
	const selected = 4096 + 4096 + 11008 + 4096 + 2*4096
	all := account(func(*Settings) {})
	largest := int64(all.Kept)/tokens/layers - 3*width*2/layers
	if got, want := int64(account(func(s *Settings) { s.Recompute = RecomputeSelective }).Activations), int64(tokens)*(2*layers*selected+
		largest+3*width*2); got != want {
		t.Errorf("selective: %d bytes, want %d", got, want)
	}
	if got := account(func(s *Settings) { s.Recompute = RecomputeAttention }).Activations; got != all.Kept {
		t.Errorf("attention, which keeps no scores: %s, want %s", got, all.Kept)
	}
	eager := account(func(s *Settings) { s.EagerAttention = true }).Activations - account(func(s *Settings) {
		s.EagerAttention, s.Recompute = true, RecomputeAttention
	}).Activations
	if want := topology.Bytes(31 * tokens * 32 * tokens * 6); eager != want {
		t.Errorf("recomputing attention saves %s, want the scores of all but one layer, %s", eager, want)
	}
	for form, want := range map[LossForm]topology.Bytes{
		WholeLoss: tokens * vocabulary * 14, ChunkedLoss: tokens * vocabulary * 7, FusedLoss: tokens * 2 * width * 2,
	} {
		if got := account(func(s *Settings) { s.Loss = form }).Loss; got != want {
			t.Errorf("loss %q: %s, want %s", form, got, want)
		}
	}
}

// Muon keeps one moment of the matrices of layers, and two of the rest.
func TestMuon(t *testing.T) {
	m := knownModel(t, llama7)
	const matrices, parameters topology.Bytes = 32 * (4*4096*4096 + 3*4096*11008), 6_738_415_616
	if a := accountFor(t, m, usual(func(s *Settings) { s.Optimizer = Muon })); a.Moments != 4*matrices+8*(parameters-matrices) {
		t.Errorf("moments %s, want %s", a.Moments, 4*matrices+8*(parameters-matrices))
	}
}

// Adapters of rank 8 on q and v.
func TestAdapterTargets(t *testing.T) {
	a := accountFor(t, knownModel(t, llama7), usual(func(s *Settings) { s.AdapterRank, s.AdapterTargets = 8, "q_proj,self_attn.v_proj" }))
	if want := int64(32 * 2 * 8 * 8192); a.Trained != want {
		t.Errorf("%d trained, want %d", a.Trained, want)
	}
}

// A pipeline of 4 stages: the first has the embedding, a quarter of the layers and 4 batches, the last the head and its loss.
func TestPipeline(t *testing.T) {
	m := knownModel(t, llama7)
	for accumulation, inFlight := range map[int64]int64{0: 4, 2: 2, 8: 4} {
		s := usual(func(s *Settings) { s.PipelineParallel, s.Accumulation = 4, accumulation })
		stages := stagesOf(m, &s)
		if len(stages) != 2 || stages[0].inFlight != inFlight || len(stages[0].order) != 8 || len(stages[1].order) != 8 {
			t.Errorf("%d batches summed up: stages %+v", accumulation, stages)
		}
		if a := accountFor(t, m, s); a.Settings.GPUCount() != 4 || a.Parameters != 6_738_415_616 {
			t.Errorf("%d GPUs, %d parameters", a.Settings.GPUCount(), a.Parameters)
		}
	}
}

func TestMoreMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		change      func(*Settings)
		field, want string
	}{
		"precision": {func(s *Settings) { s.Precision = "fp2" }, "Precision", `"fp2": want one of [mixed fp16 amp bf16 fp32 fp8]`},
		"offload":   {func(s *Settings) { s.Offload = "disk" }, "Offload", `"disk": want one of [none optimizer all]`},
		"weights in host memory, not shared": {
			func(s *Settings) { s.Stage, s.Offload = ShardGradients, OffloadAll }, "Offload", "with zero-3 or fsdp, not zero-2",
		},
		"optimizer in host memory, DDP": {func(s *Settings) { s.Offload = OffloadOptimizer }, "Offload", "with zero-1 to zero-3 or fsdp"},
		"fused step, accumulating":      {func(s *Settings) { s.FusedStep, s.Accumulation = true, 2 }, "FusedStep", "are not accumulated"},
		"too many stages":               {func(s *Settings) { s.PipelineParallel = 33 }, "PipelineParallel", "33 stages for 32 layers"},
		"uneven heads":                  {func(s *Settings) { s.TensorParallel = 3 }, "TensorParallel", "3 does not divide the model's 32 heads"},
		"uneven sequences": {func(s *Settings) { s.ContextParallel = 3 }, "ContextParallel",
			"3 does not divide sequences of 4096 tokens"},
		"unknown layer": {func(s *Settings) { s.AdapterRank, s.AdapterTargets = 8, "q_proj,query" }, "AdapterTargets",
			`no layer "query": its linear layers are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`},
		"targets, no adapters": {func(s *Settings) { s.AdapterTargets = "q_proj" }, "AdapterTargets", "it goes with adapters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewAccount(knownModel(t, llama7), usual(tc.change))
			var fault *SettingsError
			if !errors.As(err, &fault) || fault.Field != tc.field || !strings.Contains(fault.Problem, tc.want) {
				t.Errorf("error %v, want one of %s with %q", err, tc.field, tc.want)
			}
		})
	}
}

// More names of stages than ParseStage's test has.
func TestStageNames(t *testing.T) {
	for _, name := range StageNames() {
		if _, err := ParseStage(name); err != nil {
			t.Error(err)
		}
	}
	if got, err := ParseStage("fsdp-hybrid"); got != ShardHybrid || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}
