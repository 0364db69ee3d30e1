package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// trainingFlags say how a model is trained.
type trainingFlags struct {
	enabled                        bool
	optimizer, precision, sharding string
	batch, length, shards, rank    string
	checkpointing, quantisedBase   bool
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
		"with --train, `WIDTH` of numbers: mixed (16 bits and a 32-bit copy), bf16 (moments too), fp32")
	set.StringVar(&f.batch, "batch", "1", "with --train, `SEQUENCES` that each GPU computes in one step")
	set.StringVar(&f.length, "sequence-length", "",
		fmt.Sprintf("with --train, `TOKENS` of each sequence (default %d, or what the model takes)", usualLength))
	set.BoolVar(&f.checkpointing, "checkpointing", false, "with --train, keep only each layer's input and compute the rest again")
	set.StringVar(&f.sharding, "sharding", "fsdp", "with --train, what GPUs share, `STAGE`: none, zero-1 (optimizer), zero-2 (gradients "+
		"too), zero-3 or fsdp (weights too)")
	set.StringVar(&f.shards, "shards", "", "with --train, `GPUS` that share it (default the fewest that suffice)")
	set.StringVar(&f.rank, "lora-rank", "", "with --train, train LoRA adapters of this `RANK` beside all linear layers instead of the weights")
	set.BoolVar(&f.quantisedBase, "qlora", false, "with --train and --lora-rank, keep the frozen weights in 4 bits")
	cli.CompleteFlag(command, "optimizer", func() []string { return wordsOf(training.Optimizers()) })
	cli.CompleteFlag(command, "precision", func() []string { return wordsOf(training.Precisions()) })
	cli.CompleteFlag(command, "sharding", func() []string { return []string{"none", "zero-1", "zero-2", "zero-3", "fsdp"} })
}

// wordsOf are names as text.
func wordsOf[T ~string](names []T) []string {
	words := make([]string, 0, len(names))
	for _, name := range names {
		words = append(words, string(name))
	}
	return words
}

// trainingOnly are the flags that say how a model is trained.
var trainingOnly = []string{"optimizer", "precision", "batch", "sequence-length", "checkpointing", "sharding", "shards", "lora-rank",
	"qlora"}

// servingOnly are the flags that say how a model is served, beside those that vLLM has too.
var servingOnly = []string{"filename", "share", "engine", "engine-version", "tp", "pp", "context", "concurrency", "enforce-eager"}

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

// readSettings are the settings that the flags state. shards is 0 for the fewest.
func (f *trainingFlags) readSettings(most int64) (s training.Settings, shards int64, err error) {
	s = training.Settings{
		Optimizer: training.Optimizer(f.optimizer), Precision: training.Precision(f.precision), Checkpointing: f.checkpointing,
		QuantisedBase: f.quantisedBase, Shards: 1, SequenceLength: usualLength,
	}
	if most > 0 {
		s.SequenceLength = min(usualLength, most)
	}
	for _, choice := range []struct {
		flag, value string
		of          []string
	}{
		{"optimizer", f.optimizer, wordsOf(training.Optimizers())}, {"precision", f.precision, wordsOf(training.Precisions())},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return s, 0, cli.UsageErrorf("--%s %q: want one of %s", choice.flag, choice.value, strings.Join(choice.of, ", "))
		}
	}
	if s.Stage, err = training.ParseStage(f.sharding); err != nil {
		return s, 0, cli.UsageErrorf("--sharding %w", err)
	}
	for _, number := range []struct {
		flag, text string
		into       *int64
		most       int64
	}{
		{"batch", f.batch, &s.Batch, 1 << 14}, {"sequence-length", f.length, &s.SequenceLength, 1 << 24}, {"shards", f.shards, &shards, 1 << 16},
		{"lora-rank", f.rank, &s.AdapterRank, 1 << 14},
	} {
		if number.text == "" {
			continue
		}
		if *number.into, err = launch.ParseNumber(number.text); err != nil {
			return s, 0, cli.UsageErrorf("--%s: %w", number.flag, err)
		}
		if *number.into < 1 || *number.into > number.most {
			return s, 0, cli.UsageErrorf("--%s %s: want 1 to %d", number.flag, number.text, number.most)
		}
	}
	if f.quantisedBase && s.AdapterRank == 0 {
		return s, 0, cli.UsageErrorf("--qlora: weights of 4 bits are not trained: it goes with --lora-rank")
	}
	return s, shards, nil
}
