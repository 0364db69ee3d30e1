package training

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Precision is in which widths numbers are kept.
type Precision string

// The precisions.
const (
	// MixedPrecision computes in 16 bits and updates a 32-bit copy of the weights.
	MixedPrecision Precision = "mixed"
	// HalfPrecision keeps everything in 16 bits, the optimizer's moments too.
	HalfPrecision Precision = "bf16"
	// SinglePrecision keeps everything in 32 bits.
	SinglePrecision Precision = "fp32"
)

// Precisions lists them, the usual one first.
func Precisions() []Precision { return []Precision{MixedPrecision, HalfPrecision, SinglePrecision} }

// ShardingStage is what data-parallel GPUs share instead of each holding all of it.
type ShardingStage int8

// The stages of ZeRO; each shards what those before it do.
const (
	ShardNothing    ShardingStage = iota
	ShardOptimizer                // stage 1: moments and the 32-bit copy
	ShardGradients                // stage 2
	ShardParameters               // stage 3, and FSDP's full sharding
)

var stageNames = [...]string{"none", "zero-1", "zero-2", "zero-3"}

func (s ShardingStage) String() string { return stageNames[s] }

// ParseStage reads "none", "zero-1", "zero-2", "zero-3" or "fsdp", which shards what zero-3 does.
func ParseStage(text string) (ShardingStage, error) {
	if text == "fsdp" {
		return ShardParameters, nil
	}
	for stage, name := range stageNames {
		if name == text {
			return ShardingStage(stage), nil
		}
	}
	return 0, fmt.Errorf("%q: want one of %s, fsdp", text, strings.Join(stageNames[:], ", "))
}

// Settings are how a model is trained.
type Settings struct {
	Precision Precision
	Optimizer Optimizer
	// Batch is how many sequences each GPU computes in one step, SequenceLength how many
	// tokens each has.
	Batch, SequenceLength int64
	// Checkpointing keeps the input of each layer and computes the rest again.
	Checkpointing bool
	// Stage is what Shards GPUs share.
	Stage  ShardingStage
	Shards int64
	// AdapterRank trains LoRA adapters of that rank beside all linear layers, 0 all
	// weights. QuantisedBase keeps the frozen weights in 4 bits, as QLoRA does.
	AdapterRank   int64
	QuantisedBase bool
}

// Bounds keep every product within an int64.
const (
	maxBatch  = 1 << 14
	maxLength = 1 << 24
	maxShards = 1 << 16
	maxRank   = 1 << 14
)

// SettingsError is a setting with which the model cannot be trained.
type SettingsError struct {
	// Field is the setting by its name in Settings, Problem what is wrong with it.
	Field, Problem string
}

func (e *SettingsError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }

// checkSettings says what of the settings makes no sense for the model.
func (s *Settings) checkSettings(m *model.Model) error {
	for _, field := range []struct {
		name             string
		value, low, high int64
	}{
		{"Batch", s.Batch, 1, maxBatch}, {"SequenceLength", s.SequenceLength, 1, maxLength}, {"Shards", s.Shards, 1, maxShards},
		{"AdapterRank", s.AdapterRank, 0, maxRank},
	} {
		if field.value < field.low || field.value > field.high {
			return &SettingsError{field.name, fmt.Sprintf("%d: want %d to %d", field.value, field.low, field.high)}
		}
	}
	if _, known := optimizerStates[s.Optimizer]; !known {
		return &SettingsError{"Optimizer", fmt.Sprintf("%q: want one of %v", s.Optimizer, Optimizers())}
	}
	switch {
	case s.QuantisedBase && s.AdapterRank == 0:
		return &SettingsError{"QuantisedBase", "weights of 4 bits are not trained: it goes with adapters"}
	case m.Quantisation != "" && s.AdapterRank == 0:
		return &SettingsError{"Model", fmt.Sprintf("its files are quantised (%s), which are not trained: name the 16-bit model, or train "+
			"adapters", m.Quantisation)}
	}
	return checkFamily(m)
}

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
