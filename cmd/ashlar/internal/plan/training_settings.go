package plan

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// readSettings are the settings that the flags state, for a model made for so many tokens. shards is 0 for
// the fewest.
func (f *planFlags) readSettings(most int64) (s training.Settings, shards int64, err error) {
	s = training.Settings{Shards: 1, SequenceLength: usualLength, Batch: 1}
	if most > 0 {
		s.SequenceLength = min(usualLength, most)
	}
	shards, err = f.applyTraining(&s, func(string) bool { return true })
	return s, shards, err
}

// applyTraining puts what the flags state over the settings, those of which stated is true. shards is 0
// if they leave it open.
func (f *planFlags) applyTraining(s *training.Settings, stated func(flag string) bool) (shards int64, err error) {
	t := &f.train
	for _, choice := range []struct {
		flag, value string
		of          []string
		set         func()
	}{
		{"optimizer", t.optimizer, wordsOf(training.Optimizers()), func() { s.Optimizer = training.Optimizer(t.optimizer) }},
		{"precision", t.precision, wordsOf(training.Precisions()), func() { s.Precision = training.Precision(t.precision) }},
		{"offload", t.offload, wordsOf(training.Offloads()), func() { s.Offload = training.HostOffload(t.offload) }},
		{"checkpointing", t.checkpointing, checkpointingNames, func() {
			s.Recompute = training.Recomputation(strings.TrimSuffix(t.checkpointing, "none"))
		}},
		{"loss", t.loss, lossNames, func() { s.Loss = training.LossForm(strings.TrimSuffix(t.loss, "whole")) }},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return 0, cli.UsageErrorf("--%s %q: want one of %s", choice.flag, choice.value, strings.Join(choice.of, ", "))
		}
		if stated(choice.flag) {
			choice.set()
		}
	}
	stage, err := training.ParseStage(t.sharding)
	if err != nil {
		return 0, cli.UsageErrorf("--sharding %w", err)
	}
	if stated("sharding") {
		s.Stage = stage
	}
	if shards, err = f.applyTrainingNumbers(s, stated); err != nil {
		return 0, err
	}
	for _, flag := range []struct {
		name  string
		value bool
		into  *bool
	}{
		{"eager-attention", t.eager, &s.EagerAttention}, {"dropout", t.dropout, &s.Dropout}, {"fused-step", t.fused, &s.FusedStep},
		{"sequence-parallel", t.sequenceParallel, &s.SequenceParallel}, {"qlora", t.quantisedBase, &s.QuantisedBase},
	} {
		if stated(flag.name) {
			*flag.into = flag.value
		}
	}
	if t.targets != "" && stated("lora-targets") {
		s.AdapterTargets = t.targets
	}
	switch {
	case s.QuantisedBase && s.AdapterRank == 0:
		return 0, cli.UsageErrorf("--qlora: weights of 4 bits are not trained: it goes with --lora-rank")
	case s.AdapterTargets != "" && s.AdapterRank == 0:
		return 0, cli.UsageErrorf("--lora-targets: it says which layers have adapters: it goes with --lora-rank")
	}
	return shards, nil
}

// applyTrainingNumbers puts the numbers that are given into the settings.
func (f *planFlags) applyTrainingNumbers(s *training.Settings, stated func(flag string) bool) (shards int64, err error) {
	for _, number := range []struct {
		flag, text string
		into       *int64
		most       int64
	}{
		{"batch", f.train.batch, &s.Batch, 1 << 14}, {"sequence-length", f.train.length, &s.SequenceLength, 1 << 24},
		{"accumulation", f.train.accumulation, &s.Accumulation, 1 << 24}, {"shards", f.train.shards, &shards, 1 << 16},
		{"lora-rank", f.train.rank, &s.AdapterRank, 1 << 14}, {"tp", f.launch.tensor, &s.TensorParallel, 1 << 10},
		{"pp", f.launch.pipeline, &s.PipelineParallel, 1 << 10}, {"cp", f.train.contextParallel, &s.ContextParallel, 1 << 10},
	} {
		if number.text == "" || number.text == "auto" && number.flag == "tp" || !stated(number.flag) {
			continue
		}
		if *number.into, err = launch.ParseNumber(number.text); err != nil {
			return 0, cli.UsageErrorf("--%s: %w", number.flag, err)
		}
		if *number.into < 1 || *number.into > number.most {
			return 0, cli.UsageErrorf("--%s %s: want 1 to %d", number.flag, number.text, number.most)
		}
	}
	return shards, nil
}
