package training

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Settings are how a model is trained. Degrees of 0 stand for 1.
type Settings struct {
	Precision Precision
	Optimizer Optimizer
	// Batch is how many sequences each GPU computes at once, SequenceLength how many
	// tokens each has. Accumulation is over how many of them gradients are summed up.
	Batch, SequenceLength, Accumulation int64
	// Recompute is what is computed again in the backward pass instead of kept.
	Recompute Recomputation
	// EagerAttention keeps the scores of every pair of tokens, which FlashAttention and SDPA do
	// not. Dropout keeps a mask for each number that may be dropped.
	EagerAttention, Dropout bool
	// Loss is how the loss is computed from the output.
	Loss LossForm
	// Stage is what Shards GPUs share.
	Stage   ShardingStage
	Shards  int64
	Offload HostOffload
	// BucketNumbers is how many numbers DeepSpeed sends at once; 0 for its default.
	BucketNumbers int64
	// KeepGradients says that gradients stand through the forward pass too, as in torch before
	// 2.0. Accumulation and DeepSpeed's stages 1 and 2 do so by themselves.
	KeepGradients bool
	// FusedStep updates each layer as soon as it has gradients, and drops them.
	FusedStep bool
	// TensorParallel and the rest are further degrees: a model takes Shards times their product of GPUs.
	// SequenceParallel also divides what tensor parallelism leaves whole.
	TensorParallel, PipelineParallel, ContextParallel int64
	SequenceParallel                                  bool
	// AdapterRank trains LoRA adapters of that rank, 0 all weights. AdapterTargets are the
	// linear layers that have them, separated by commas, "" for all. QuantisedBase keeps the
	// frozen weights in 4 bits, as QLoRA does.
	AdapterRank    int64
	AdapterTargets string
	QuantisedBase  bool
}

// Bounds keep every product within an int64.
const (
	maxBatch   = 1 << 14
	maxLength  = 1 << 24
	maxShards  = 1 << 16
	maxRank    = 1 << 14
	maxDegree  = 1 << 10
	maxBuckets = 1 << 40
)

// SettingsError is a setting with which the model cannot be trained.
type SettingsError struct {
	// Field is the setting by its name in Settings, Problem what is wrong with it.
	Field, Problem string
}

func (e *SettingsError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }

// GPUCount is how many GPUs train the model together.
func (s *Settings) GPUCount() int64 {
	return s.Shards * s.tensorDegree() * s.pipelineDegree() * s.contextDegree()
}

func (s *Settings) tensorDegree() int64   { return max(1, s.TensorParallel) }
func (s *Settings) pipelineDegree() int64 { return max(1, s.PipelineParallel) }
func (s *Settings) contextDegree() int64  { return max(1, s.ContextParallel) }

// adapterNames are the linear layers that have adapters, none for all.
func (s *Settings) adapterNames() []string {
	return strings.FieldsFunc(s.AdapterTargets, func(r rune) bool { return r == ',' || r == ' ' })
}

// sharesOver is over how many GPUs sharding divides: those that divide a sequence do so too.
func (s *Settings) sharesOver() int64 { return s.Shards * s.contextDegree() }

// checkSettings says what of the settings makes no sense for the model.
func (s *Settings) checkSettings(m *model.Model) error {
	for _, field := range []struct {
		name             string
		value, low, high int64
	}{
		{"Batch", s.Batch, 1, maxBatch}, {"SequenceLength", s.SequenceLength, 1, maxLength}, {"Shards", s.Shards, 1, maxShards},
		{"Accumulation", s.Accumulation, 0, maxLength}, {"AdapterRank", s.AdapterRank, 0, maxRank},
		{"TensorParallel", s.TensorParallel, 0, maxDegree}, {"PipelineParallel", s.PipelineParallel, 0, maxDegree},
		{"ContextParallel", s.ContextParallel, 0, maxDegree}, {"BucketNumbers", s.BucketNumbers, 0, maxBuckets},
	} {
		if field.value < field.low || field.value > field.high {
			return &SettingsError{field.name, fmt.Sprintf("%d: want %d to %d", field.value, field.low, field.high)}
		}
	}
	if _, known := optimizerStates[s.Optimizer]; !known {
		return &SettingsError{"Optimizer", fmt.Sprintf("%q: want one of %v", s.Optimizer, Optimizers())}
	}
	if _, known := widthsOf[s.Precision]; !known {
		return &SettingsError{"Precision", fmt.Sprintf("%q: want one of %v", s.Precision, Precisions())}
	}
	if !slices.Contains(Offloads(), cmp.Or(s.Offload, OffloadNothing)) {
		return &SettingsError{"Offload", fmt.Sprintf("%q: want one of %v", s.Offload, Offloads())}
	}
	if err := s.checkTogether(m); err != nil {
		return err
	}
	if err := s.checkTargets(m); err != nil {
		return err
	}
	return checkFamily(m)
}

// checkTogether says which settings exclude each other, or the model.
func (s *Settings) checkTogether(m *model.Model) error {
	layers := int64(len(m.Order))
	switch {
	case s.QuantisedBase && s.AdapterRank == 0:
		return &SettingsError{"QuantisedBase", "weights of 4 bits are not trained: it goes with adapters"}
	case s.AdapterTargets != "" && s.AdapterRank == 0:
		return &SettingsError{"AdapterTargets", "it goes with adapters, whose rank is not stated"}
	case m.Quantisation != "" && s.AdapterRank == 0:
		return &SettingsError{"Model", fmt.Sprintf("its files are quantised (%s), which are not trained: name the 16-bit model, or train "+
			"adapters", m.Quantisation)}
	case s.Offload == OffloadAll && !s.Stage.ShardsWeights():
		return &SettingsError{"Offload", fmt.Sprintf("weights go to the host where they are sharded: with zero-3 or fsdp, not %s", s.Stage)}
	case s.Offload == OffloadOptimizer && s.Stage == ShardNothing:
		return &SettingsError{"Offload", "the optimizer goes to the host where it is sharded: with zero-1 to zero-3 or fsdp"}
	case s.FusedStep && s.Accumulation > 1:
		return &SettingsError{"FusedStep", "gradients that are dropped at once are not accumulated"}
	case layers > 0 && s.pipelineDegree() > layers:
		return &SettingsError{"PipelineParallel", fmt.Sprintf("%d stages for %d layers", s.pipelineDegree(), layers)}
	case m.Heads > 0 && m.Heads%s.tensorDegree() != 0:
		return &SettingsError{"TensorParallel", fmt.Sprintf("%d does not divide the model's %d heads", s.tensorDegree(), m.Heads)}
	case s.SequenceLength%s.contextDegree() != 0:
		return &SettingsError{"ContextParallel", fmt.Sprintf("%d does not divide sequences of %d tokens", s.contextDegree(), s.SequenceLength)}
	}
	return nil
}

// checkTargets says which of the layers that are to have adapters the model lacks.
func (s *Settings) checkTargets(m *model.Model) error {
	var names []string
	for i := range m.Layers {
		for j := range m.Layers[i].Tensors {
			t := &m.Layers[i].Tensors[j]
			if name := shortName(t.Name); t.Columns > 1 && t.Part != model.OtherPart && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, target := range s.adapterNames() {
		if !slices.Contains(names, shortName(target)) {
			return &SettingsError{"AdapterTargets", fmt.Sprintf("the model has no layer %q: its linear layers are %s", target,
				strings.Join(names, ", "))}
		}
	}
	return nil
}

// shortName is the last part of a tensor's name, by which PEFT's target_modules are told.
func shortName(name string) string { return name[strings.LastIndex(name, ".")+1:] }

// checkFamily says which models are not accounted for.
func checkFamily(m *model.Model) error {
	if m.Kind != model.DecoderKind && m.Kind != model.EncoderKind {
		return &SettingsError{"Model", fmt.Sprintf("what a %s model keeps for its backward pass is not known here", m.Kind)}
	}
	for i := range m.Layers {
		for _, c := range m.Layers[i].Caches {
			if c.Attention == model.RecurrentState {
				return &SettingsError{"Model", "what its recurrent layers keep for their backward pass is not known here"}
			}
		}
	}
	return nil
}
