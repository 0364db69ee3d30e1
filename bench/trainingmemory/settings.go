package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// readSettings reads "precision=bf16 batch=2 length=2048"; context is the driver's context where its size
// was measured too, 0 otherwise.
func readSettings(text string) (s training.Settings, context topology.Bytes, err error) {
	s = training.Settings{Precision: training.MixedPrecision, Optimizer: training.AdamW, Batch: 1, Shards: 1}
	numbers := map[string]*int64{
		"batch": &s.Batch, "length": &s.SequenceLength, "accumulation": &s.Accumulation, "shards": &s.Shards, "lora": &s.AdapterRank,
		"tp": &s.TensorParallel, "pp": &s.PipelineParallel, "cp": &s.ContextParallel,
	}
	for _, field := range strings.Fields(text) {
		key, value, _ := strings.Cut(field, "=")
		if into, known := numbers[key]; known {
			if *into, err = strconv.ParseInt(value, 10, 64); err != nil {
				return s, 0, fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		switch key {
		case "precision":
			s.Precision = training.Precision(value)
		case "optimizer":
			s.Optimizer = training.Optimizer(value)
		case "checkpointing":
			s.Recompute = training.Recomputation(value)
		case "loss":
			s.Loss = training.LossForm(value)
		case "targets":
			s.AdapterTargets = value
		case "stage":
			if s.Stage, err = training.ParseStage(value); err != nil {
				return s, 0, err
			}
		case "attention":
			s.EagerAttention = value == "eager"
		case "gradients":
			s.KeepGradients = value == "kept"
		case "dropout":
			s.Dropout = value == "true"
		case "qlora":
			s.QuantisedBase = value == "true"
		case "fused":
			s.FusedStep = value == "true"
		case "sp":
			s.SequenceParallel = value == "true"
		case "context":
			mib, err := strconv.ParseInt(strings.TrimSuffix(value, "MiB"), 10, 64)
			if err != nil {
				return s, 0, fmt.Errorf("context: %w", err)
			}
			context = topology.Bytes(mib) * topology.MiB
		default:
			return s, 0, fmt.Errorf("setting %q is not known", key)
		}
	}
	return s, context, nil
}
