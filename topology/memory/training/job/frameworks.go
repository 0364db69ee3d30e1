package job

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// The frameworks that are told by name.
const (
	trainerName      = "the Trainer of Transformers"
	trlName          = "TRL"
	axolotlName      = "axolotl"
	llamaFactoryName = "LLaMA-Factory"
	torchtuneName    = "torchtune"
	megatronName     = "Megatron-LM"
	torchtitanName   = "torchtitan"
	swiftName        = "ms-swift"
	litgptName       = "LitGPT"
)

// frameworkDefaults are what counts where nothing is stated; 0 and "" where that differs by release or
// is not settled by the framework.
type frameworkDefaults struct {
	batch, length int64
	// checkpointing says what is computed again, and settled that it is known.
	checkpointing training.Recomputation
	settled       bool
	// single says that everything is in 32 bits unless it is said.
	single bool
	// rank is the rank of adapters that are trained without a word.
	rank int64
	// shares is by how much GPUs share, if nothing is said.
	shares training.ShardingStage
}

var frameworks = map[string]frameworkDefaults{
	trainerName:      {batch: 8, settled: true, single: true},
	trlName:          {batch: 8, length: 1024},
	axolotlName:      {batch: 1, length: 512, settled: true},
	llamaFactoryName: {batch: 8, length: 2048, checkpointing: training.RecomputeLayers, settled: true, rank: 8},
	torchtuneName:    {shares: training.ShardParameters},
	megatronName:     {settled: true, single: true},
	swiftName:        {batch: 1, checkpointing: training.RecomputeLayers, settled: true, rank: 8},
	litgptName:       {},
	torchtitanName:   {shares: training.ShardParameters},
}

// usualRank is that of adapters whose rank is not stated: PEFT's default.
const usualRank = 8

// tellFramework says what trains, by the script that is started and the names of arguments.
func tellFramework(script string, names map[string]bool) string {
	lower := strings.ToLower(script)
	switch {
	case strings.Contains(lower, "axolotl"):
		return axolotlName
	case strings.Contains(lower, "llamafactory"), names["finetuning_type"] && names["cutoff_len"]:
		return llamaFactoryName
	case strings.Contains(lower, "torchtitan"), names["training.local_batch_size"], names["parallelism.tensor_parallel_degree"]:
		return torchtitanName
	case strings.HasPrefix(lastPart(lower), "pretrain_"), names["tensor_model_parallel_size"], names["num_layers"] && names["hidden_size"]:
		return megatronName
	case strings.HasPrefix(lower, "trl"):
		return trlName
	case names["per_device_train_batch_size"], names["output_dir"] && (names["model_name_or_path"] || names["num_train_epochs"]):
		return trainerName
	}
	return ""
}
