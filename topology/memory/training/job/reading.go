package job

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// Reading is what a container says about the model that it trains.
type Reading struct {
	// Launcher is the program that starts training, as it is called there; "" if none is known.
	Launcher string
	// Framework is what trains: "axolotl", "TRL", "the Trainer of Transformers"; "" if that is not
	// known.
	Framework string
	// Model is its name on the Hugging Face hub, "" if that is unknown.
	Model string
	// Settings are those that are stated, or the framework's defaults. Shards is left to the caller.
	Settings training.Settings
	// Processes is how many processes, with a GPU each, train on each Node, and Nodes how many Nodes; 0 for
	// as many as there are GPUs and pods. Everywhere says that Processes counts those of all Nodes.
	Processes, Nodes int64
	Everywhere       bool
	// Explicit says where each setting was stated: "args[2]: --optim adafactor".
	Explicit map[Setting]string
	// Unknown are settings that the container leaves open.
	Unknown []UnknownSetting
	// Notes qualify the reading.
	Notes []string
}

// UnknownSetting is a setting that cannot be told, and why.
type UnknownSetting struct {
	Setting Setting
	Because string
}

// Setting is what an argument may say.
type Setting string

// The settings that matter to memory.
const (
	ModelSetting         Setting = "model"
	BatchSetting         Setting = "batch"
	LengthSetting        Setting = "sequence length"
	AccumulationSetting  Setting = "gradient accumulation"
	CheckpointingSetting Setting = "checkpointing"
	OptimizerSetting     Setting = "optimizer"
	PrecisionSetting     Setting = "precision"
	ShardingSetting      Setting = "sharding"
	OffloadSetting       Setting = "offload"
	AttentionSetting     Setting = "attention"
	LossSetting          Setting = "loss"
	AdapterSetting       Setting = "LoRA rank"
	TargetSetting        Setting = "LoRA targets"
	BaseSetting          Setting = "4-bit base"
	TensorSetting        Setting = "tensor parallelism"
	PipelineSetting      Setting = "pipeline parallelism"
	ContextSetting       Setting = "context parallelism"
	ProcessSetting       Setting = "GPUs"
)

// flagNames are the flags of ashlar plan that state a setting.
var flagNames = map[Setting]string{
	ModelSetting: "MODEL or annotation ashlar.dev/model", BatchSetting: "--batch", LengthSetting: "--sequence-length",
	AccumulationSetting: "--accumulation", CheckpointingSetting: "--checkpointing", OptimizerSetting: "--optimizer",
	PrecisionSetting: "--precision", ShardingSetting: "--sharding", OffloadSetting: "--offload", AttentionSetting: "--eager-attention",
	LossSetting: "--loss", AdapterSetting: "--lora-rank", TargetSetting: "--lora-targets", BaseSetting: "--qlora", TensorSetting: "--tp",
	PipelineSetting: "--pp", ContextSetting: "--cp", ProcessSetting: "--shards",
}

// FlagName is the flag of ashlar plan that states the setting.
func (s Setting) FlagName() string { return flagNames[s] }

// IsTraining reports whether the container trains.
func (r *Reading) IsTraining() bool { return r.Launcher != "" }

// IsKnown reports whether the setting is stated, or a default of what trains.
func (r *Reading) IsKnown(s Setting) bool {
	return !slices.ContainsFunc(r.Unknown, func(u UnknownSetting) bool { return u.Setting == s })
}

// markUnknown adds what is unknown, once.
func (r *Reading) markUnknown(s Setting, because string) {
	if r.IsKnown(s) {
		r.Unknown = append(r.Unknown, UnknownSetting{s, because})
	}
}

// StateModel is the model by what stands above the container, and where that is.
func (r *Reading) StateModel(name, place string) {
	r.Model, r.Explicit[ModelSetting] = name, place
	r.Unknown = slices.DeleteFunc(r.Unknown, func(u UnknownSetting) bool { return u.Setting == ModelSetting })
}
