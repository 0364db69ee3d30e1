package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// trainingFlags say how a model is trained.
type trainingFlags struct {
	enabled                                 bool
	optimizer, precision, sharding, offload string
	batch, length, accumulation, shards     string
	rank, targets, checkpointing, loss      string
	contextParallel                         string
	quantisedBase, eager, dropout, fused    bool
	sequenceParallel                        bool
}

// usualLength is how many tokens sequences have where the model takes as many.
const usualLength = 4096

func (f *trainingFlags) addTo(command *cobra.Command) {
	set := command.Flags()
	set.BoolVar(&f.enabled, "train", false,
		"account for training the model instead of serving it; flags whose help begins with --train say how")
	set.StringVar(&f.optimizer, "optimizer", string(training.AdamW), "with --train, `NAME` of the optimizer: "+
		strings.Join(wordsOf(training.Optimizers()), ", "))
	set.StringVar(&f.precision, "precision", string(training.MixedPrecision),
		"with --train, `WIDTH` of numbers: mixed (16 bits and a 32-bit copy), fp16 (mixed, with a scaled loss), amp (32-bit weights under "+
			"torch.autocast), bf16 (all of 16 bits, moments too), fp32, fp8 (mixed, with products in 8 bits)")
	set.StringVar(&f.batch, "batch", "1", "with --train, `SEQUENCES` that each GPU computes at once")
	set.StringVar(&f.length, "sequence-length", "",
		fmt.Sprintf("with --train, `TOKENS` of each sequence (default %d, or what the model takes)", usualLength))
	set.StringVar(&f.accumulation, "accumulation", "", "with --train, `BATCHES` over which gradients are summed up (default 1)")
	set.StringVar(&f.checkpointing, "checkpointing", "none", "with --train, what is computed again rather than kept, `PART`: none, attention "+
		"(Megatron-LM's selective), selective (every second matrix product, as torchtitan), full (all but each layer's input); alone, full")
	set.Lookup("checkpointing").NoOptDefVal = string(training.RecomputeLayers)
	set.BoolVar(&f.eager, "eager-attention", false, "with --train, attention keeps the scores of every pair of tokens: no FlashAttention "+
		"or SDPA")
	set.BoolVar(&f.dropout, "dropout", false, "with --train, the model drops numbers at random, and keeps a mask of them")
	set.StringVar(&f.loss, "loss", "whole", "with --train, how the loss is computed, `FORM`: whole, chunked (torchtune, LitGPT), fused "+
		"(Liger, Cut "+
		"Cross Entropy)")
	set.BoolVar(&f.fused, "fused-step", false, "with --train, the optimizer updates each layer in the backward pass and drops its gradients")
	set.StringVar(&f.sharding, "sharding", "fsdp", "with --train, what GPUs share, `STAGE`: none or ddp, zero-1 (optimizer), zero-2 "+
		"(gradients "+
		"too), zero-3 or fsdp (weights too), fsdp-hybrid, fsdp-shard-grad-op")
	set.StringVar(&f.shards, "shards", "", "with --train, `GPUS` that share it (default the fewest that suffice)")
	set.StringVar(&f.offload, "offload", string(training.OffloadNothing),
		"with --train, what stands in host memory, `PART`: none, optimizer, all (weights and gradients too)")
	set.StringVar(&f.contextParallel, "cp", "", "with --train, `GPUS` that divide each sequence; --tp and --pp go with --train too")
	set.BoolVar(&f.sequenceParallel, "sequence-parallel", false,
		"with --train and --tp, divide norms and residuals too, as Megatron-LM's sequence parallelism does")
	set.StringVar(&f.rank, "lora-rank", "", "with --train, train LoRA adapters of this `RANK` instead of the weights")
	set.StringVar(&f.targets, "lora-targets", "", "with --train and --lora-rank, `LAYERS` that have adapters, like q_proj,v_proj (default "+
		"all linear "+
		"layers)")
	set.BoolVar(&f.quantisedBase, "qlora", false, "with --train and --lora-rank, keep the frozen weights in 4 bits")
	cli.CompleteFlag(command, "optimizer", func() []string { return wordsOf(training.Optimizers()) })
	cli.CompleteFlag(command, "precision", func() []string { return wordsOf(training.Precisions()) })
	cli.CompleteFlag(command, "sharding", training.StageNames)
	cli.CompleteFlag(command, "offload", func() []string { return wordsOf(training.Offloads()) })
	cli.CompleteFlag(command, "checkpointing", func() []string { return checkpointingNames })
	cli.CompleteFlag(command, "loss", func() []string { return lossNames })
}

// The names that --checkpointing and --loss take.
var (
	checkpointingNames = append([]string{"none"}, wordsOf(training.Recomputations())...)
	lossNames          = append([]string{"whole"}, wordsOf(training.LossForms())...)
)

// wordsOf are names as text.
func wordsOf[T ~string](names []T) []string {
	words := make([]string, 0, len(names))
	for _, name := range names {
		words = append(words, string(name))
	}
	return words
}

// trainingOnly are the flags that say how a model is trained.
var trainingOnly = []string{"optimizer", "precision", "batch", "sequence-length", "accumulation", "checkpointing", "eager-attention",
	"dropout",
	"loss", "fused-step", "sharding", "shards", "offload", "cp", "sequence-parallel", "lora-rank", "lora-targets", "qlora"}

// servingOnly are the flags that say how a model is served, beside those that vLLM has too.
var servingOnly = []string{"share", "engine", "instances", "beams", "engine-version", "context", "concurrency", "enforce-eager"}

// checkTogether refuses flags of serving with --train, and those of training without it.
func (f *trainingFlags) checkTogether(cmd *cobra.Command, engineFlags []string) error {
	if !f.enabled {
		for _, name := range trainingOnly {
			if cmd.Flags().Changed(name) {
				return cli.UsageErrorf("--%s says how a model is trained: it goes with --train", name)
			}
		}
		return nil
	}
	others := slices.Clone(servingOnly)
	for _, flag := range vllmFlags {
		others = append(others, flag.name)
	}
	for _, name := range others {
		switch {
		case !cmd.Flags().Changed(name):
		case name == "context" || name == "max-model-len":
			return cli.UsageErrorf("--%s is about serving a model: --train takes --sequence-length", name)
		default:
			return cli.UsageErrorf("--%s is about serving a model: it does not go with --train", name)
		}
	}
	if len(engineFlags) > 0 {
		return cli.UsageErrorf("flags after -- are a model server's: they do not go with --train")
	}
	return nil
}
