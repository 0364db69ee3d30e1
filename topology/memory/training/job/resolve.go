package job

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// resolveReading turns statements into settings. What must be known and is not becomes unknown.
func (s *saidValues) resolveReading(r *Reading, launcher, script string) {
	r.Explicit = map[Setting]string{}
	r.Settings = training.Settings{Optimizer: training.AdamW, Precision: training.MixedPrecision, Batch: 1, Shards: 1}
	defaults := frameworks[r.Framework]
	s.resolveModel(r)
	s.resolveNumbers(r, &defaults)
	s.resolveSharding(r, &defaults, launcher)
	s.resolveAdapters(r, &defaults)
	s.resolvePrecision(r, &defaults)
	s.resolveOptimizer(r)
	s.resolveStep(r, &defaults)
	s.resolveProcesses(r)
	if r.Framework == litgptName && strings.Contains(script, "lora") && r.Settings.AdapterRank == 0 {
		r.Settings.AdapterRank, r.Settings.AdapterTargets = usualRank, "q_proj,v_proj" // litgpt finetune_lora
	}
	if r.Framework == trlName && !strings.Contains(script, "sft") {
		r.Notes = append(r.Notes, "a reference or reward model beside the one that is trained is not counted")
	}
	if _, missing := s.unknown["file"]; missing {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: its settings are not known", s.unknown["file"].value))
	}
}

// takeValue is what a meaning was said to be. Where it is not known, the setting becomes so.
func (s *saidValues) takeValue(r *Reading, setting Setting, meaning string) (string, bool) {
	if said, found := s.said[meaning]; found {
		r.Explicit[setting] = said.place
		return said.value, true
	}
	if unknown, found := s.unknown[meaning]; found {
		r.markUnknown(setting, fmt.Sprintf("%s: %s", unknown.place, unknown.value))
	}
	return "", false
}

func (s *saidValues) resolveModel(r *Reading) {
	name, found := s.takeValue(r, ModelSetting, "model")
	switch {
	case !found:
		r.markUnknown(ModelSetting, s.whyMissing("no argument names it"))
	case strings.HasPrefix(name, "/"), strings.HasPrefix(name, "."), strings.Contains(name, "://"), strings.Contains(name, "._component_"):
		r.markUnknown(ModelSetting, fmt.Sprintf("%s is a place in the container", name))
	default:
		r.Model = name
	}
}

// whyMissing says why something is not stated: a file that would state it may be out of reach.
func (s *saidValues) whyMissing(because string) string {
	if file, missing := s.unknown["file"]; missing {
		return file.value
	}
	return because
}

// resolveNumbers reads batch, length and degrees.
func (s *saidValues) resolveNumbers(r *Reading, defaults *frameworkDefaults) {
	for _, number := range []struct {
		setting Setting
		meaning string
		into    *int64
		usual   int64
		needed  bool
		most    int64
	}{
		{BatchSetting, "batch", &r.Settings.Batch, defaults.batch, true, 1 << 14},
		{LengthSetting, "length", &r.Settings.SequenceLength, defaults.length, true, 1 << 24},
		{AccumulationSetting, "accumulation", &r.Settings.Accumulation, 1, false, 1 << 24},
		{TensorSetting, "tensor", &r.Settings.TensorParallel, 1, false, 1 << 10},
		{PipelineSetting, "pipeline", &r.Settings.PipelineParallel, 1, false, 1 << 10},
		{ContextSetting, "context", &r.Settings.ContextParallel, 1, false, 1 << 10},
	} {
		text, found := s.takeValue(r, number.setting, number.meaning)
		switch n, err := launch.ParseNumber(text); {
		case found && err == nil && n >= 1 && n <= number.most:
			*number.into = n
		case found && text != "auto":
			r.markUnknown(number.setting, fmt.Sprintf("%s: no number from 1 to %d", r.Explicit[number.setting], number.most))
		case number.usual > 0 && s.unknown["file"].place == "":
			*number.into = number.usual
		case number.needed:
			r.markUnknown(number.setting, s.whyMissing("no argument states it"))
		}
	}
	if said, found := s.said["sequence parallel"]; found {
		r.Settings.SequenceParallel = isOn(said.value)
	}
}

// resolveOptimizer reads the optimizer.
func (s *saidValues) resolveOptimizer(r *Reading) {
	text, found := s.takeValue(r, OptimizerSetting, "optimizer")
	if !found {
		if r.Framework == "" || r.Framework == torchtuneName || s.unknown["file"].place != "" {
			r.markUnknown(OptimizerSetting, s.whyMissing("no argument names it"))
		}
		return
	}
	optimizer, known := parseOptimizer(text)
	if !known {
		r.markUnknown(OptimizerSetting, fmt.Sprintf("%s: what it keeps is not known here", r.Explicit[OptimizerSetting]))
		return
	}
	r.Settings.Optimizer = optimizer
}

// resolveStep reads what a step keeps.
func (s *saidValues) resolveStep(r *Reading, defaults *frameworkDefaults) {
	text, found := s.takeValue(r, CheckpointingSetting, "checkpointing")
	again, known := recomputations[strings.ToLower(text)]
	switch {
	case found && known:
		if r.Settings.Recompute = again; again == training.RecomputeSelective && r.Framework == megatronName {
			r.Settings.Recompute = training.RecomputeAttention
		}
	case found:
		r.markUnknown(CheckpointingSetting, r.Explicit[CheckpointingSetting]+": not a known way of it")
	case isOn(s.said["no checkpointing"].value):
	case defaults.settled:
		r.Settings.Recompute = defaults.checkpointing
	default:
		r.markUnknown(CheckpointingSetting, s.whyMissing("no argument says so"))
	}
	if text, found := s.takeValue(r, AttentionSetting, "attention"); found {
		text = strings.ToLower(text)
		r.Settings.EagerAttention = text == "eager" || text == "disabled"
	}
	if isOn(s.said["eager attention"].value) {
		r.Settings.EagerAttention = true
	}
	if text, found := s.takeValue(r, LossSetting, "fused loss"); found && isOn(text) {
		r.Settings.Loss = training.FusedLoss
	} else if text, found := s.takeValue(r, LossSetting, "loss"); found && (strings.Contains(text, "Chunked") || strings.Contains(text,
		"LinearCrossEntropy")) {
		r.Settings.Loss = training.ChunkedLoss
	}
	r.Settings.FusedStep = isOn(s.said["fused step"].value) && r.Settings.Accumulation <= 1
}

// resolveProcesses reads how many GPUs train.
func (s *saidValues) resolveProcesses(r *Reading) {
	if said, found := s.said["all processes"]; found {
		r.Everywhere = true
		r.Processes = s.readProcesses(r, said)
	} else if said, found := s.said["processes"]; found && said.value != "auto" && said.value != "gpu" {
		r.Processes = s.readProcesses(r, said)
	}
	if said, found := s.said["nodes"]; found {
		least, _, _ := strings.Cut(said.value, ":") // --nnodes=1:4 is elastic
		r.Nodes = s.readProcesses(r, saidValue{least, said.place})
	}
	for _, meaning := range []string{"processes", "all processes", "nodes"} {
		if unknown, found := s.unknown[meaning]; found {
			r.markUnknown(ProcessSetting, unknown.place+": "+unknown.value)
		}
	}
}

func (s *saidValues) readProcesses(r *Reading, said saidValue) int64 {
	n, err := launch.ParseNumber(said.value)
	if err != nil || n < 1 || n > 1<<16 {
		r.markUnknown(ProcessSetting, said.place+": no number of processes")
		return 0
	}
	r.Explicit[ProcessSetting] = said.place
	return n
}
