package job

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// optimizerNames are optimizers as frameworks spell them: OptimizerNames in transformers, DeepSpeed's types, and
// classes by their last part.
var optimizerNames = map[string]training.Optimizer{
	"adamw":                 training.AdamW,
	"adam":                  training.AdamW,
	"adamw_torch":           training.AdamW,
	"adamw_torch_fused":     training.AdamW,
	"adamw_hf":              training.AdamW,
	"adamw_apex_fused":      training.AdamW,
	"fusedadam":             training.AdamW,
	"deepspeedcpuadam":      training.AdamW,
	"adamw_torch_npu_fused": training.AdamW,
	"adamw_bnb_8bit":        training.AdamW8Bit,
	"adamw_8bit":            training.AdamW8Bit,
	"adamw8bit":             training.AdamW8Bit,
	"adam8bit":              training.AdamW8Bit,
	"adamw_torch_8bit":      training.AdamW8Bit,
	"ao_adamw_8bit":         training.AdamW8Bit,
	"paged_adamw":           training.PagedAdamW,
	"paged_adamw_32bit":     training.PagedAdamW,
	"pagedadamw":            training.PagedAdamW,
	"pagedadamw32bit":       training.PagedAdamW,
	"paged_adamw_8bit":      training.PagedAdamW8Bit,
	"pagedadamw8bit":        training.PagedAdamW8Bit,
	"adafactor":             training.Adafactor,
	"adagrad":               training.Adagrad,
	"sgd":                   training.SGD,
	"lion":                  training.Lion,
	"lion_32bit":            training.Lion,
	"lion_pytorch":          training.Lion,
	"lion_8bit":             training.Lion8Bit,
	"lion8bit":              training.Lion8Bit,
	"muon":                  training.Muon,
}

// parseOptimizer reads an optimizer's name, of a class its last part: torch.optim.AdamW.
func parseOptimizer(text string) (training.Optimizer, bool) {
	name := strings.ToLower(text)
	optimizer, known := optimizerNames[name[strings.LastIndex(name, ".")+1:]]
	return optimizer, known
}

// isOn reads a switch as YAML, JSON and Python spell one; "auto" counts as on.
func isOn(text string) bool {
	switch strings.ToLower(text) {
	case "", "false", "no", "none", "null", "0", "off", "disable", "disabled":
		return false
	}
	return true
}

// recomputations are what is computed again, as Megatron-LM, torchtitan and switches spell it.
var recomputations = map[string]training.Recomputation{
	"full": training.RecomputeLayers, "true": training.RecomputeLayers, "unsloth": training.RecomputeLayers,
	"selective": training.RecomputeSelective, "false": training.KeepAll, "none": training.KeepAll, "": training.KeepAll,
}

// isHalf reports whether a type is of 16 bits, and isSingle whether it is of 32.
func isHalf(text string) bool {
	switch strings.TrimPrefix(strings.ToLower(text), "torch.") {
	case "bf16", "bfloat16", "fp16", "float16", "half", "16", "bf16-true", "16-true":
		return true
	}
	return false
}

func isSingle(text string) bool {
	switch strings.TrimPrefix(strings.ToLower(text), "torch.") {
	case "fp32", "float32", "float", "32", "32-true":
		return true
	}
	return false
}
