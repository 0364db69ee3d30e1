package job

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// resolveSharding reads what GPUs share, and what goes to the host.
func (s *saidValues) resolveSharding(r *Reading, defaults *frameworkDefaults, launcher string) {
	stage, isSaid := s.takeValue(r, ShardingSetting, "zero stage")
	_, deepSpeed := s.said["deepspeed"]
	switch text, isFSDP := s.takeValue(r, ShardingSetting, "fsdp"); {
	case isSaid && s.usesDeepSpeed():
		parsed, err := training.ParseStage("zero-" + stage)
		if err != nil && stage != "0" {
			r.markUnknown(ShardingSetting, r.Explicit[ShardingSetting]+": want 0 to 3")
		}
		r.Settings.Stage = parsed
	case deepSpeed, isOn(s.said["use deepspeed"].value):
		file := s.unknown["deepspeed file"]
		r.markUnknown(ShardingSetting, strings.TrimPrefix(file.value+": DeepSpeed's stage is not stated", ": "))
	case isFSDP && isOn(text):
		parsed, offload, found := parseFSDP(text)
		if !found {
			parsed = training.ShardParameters
		}
		if r.Settings.Stage = parsed; offload {
			r.Settings.Offload = training.OffloadAll
		}
	case isOn(s.said["use fsdp"].value), s.said["fsdp strategy"].place != "":
		r.Settings.Stage = training.ShardParameters
		r.Explicit[ShardingSetting] = s.said["use fsdp"].place
	case isOn(s.said["distributed optimizer"].value):
		r.Settings.Stage = training.ShardOptimizer
		r.Explicit[ShardingSetting] = s.said["distributed optimizer"].place
	case s.unknown["accelerate file"].place != "":
		r.markUnknown(ShardingSetting, s.unknown["accelerate file"].value)
	case s.unknown["file"].place != "":
		r.markUnknown(ShardingSetting, s.unknown["file"].value)
	case r.Framework != "":
		r.Settings.Stage = defaults.shares
	case s.said["use ddp"].place != "" || launcher == "python":
	default:
		r.markUnknown(ShardingSetting, "what the script does is not in the pod")
	}
	if said, found := s.said["fsdp strategy"]; found && !s.usesDeepSpeed() && r.Settings.Stage.ShardsWeights() {
		if strategy, known := shardingStrategies[strings.ToLower(said.value)]; known {
			r.Settings.Stage, r.Explicit[ShardingSetting] = strategy, said.place
		} else {
			r.markUnknown(ShardingSetting, said.place+": not a strategy of FSDP")
		}
	}
	s.resolveOffload(r)
}

// usesDeepSpeed reports whether DeepSpeed's settings count.
func (s *saidValues) usesDeepSpeed() bool {
	return s.said["zero stage"].place != "" && !isOn(s.said["use fsdp"].value)
}

func (s *saidValues) resolveOffload(r *Reading) {
	optimizer, _ := s.takeValue(r, OffloadSetting, "offload optimizer")
	parameters, _ := s.takeValue(r, OffloadSetting, "offload parameters")
	fsdp, _ := s.takeValue(r, OffloadSetting, "fsdp offload")
	switch {
	case r.Settings.Stage == training.ShardNothing:
		r.Settings.Offload = ""
	case s.usesDeepSpeed() && isOn(parameters) && r.Settings.Stage == training.ShardParameters:
		r.Settings.Offload = training.OffloadAll
	case s.usesDeepSpeed() && isOn(optimizer):
		r.Settings.Offload = training.OffloadOptimizer
	case !s.usesDeepSpeed() && isOn(fsdp) && r.Settings.Stage.ShardsWeights():
		r.Settings.Offload = training.OffloadAll
	}
	if said, found := s.said["bucket"]; found {
		if n, err := launch.ParseNumber(said.value); err == nil && n > 0 && n < 1<<40 {
			r.Settings.BucketNumbers = n
		}
	}
}

// resolveAdapters reads whether adapters are trained, and beside which layers.
func (s *saidValues) resolveAdapters(r *Reading, defaults *frameworkDefaults) {
	kind, stated := s.takeValue(r, AdapterSetting, "adapter")
	kind = strings.ToLower(kind)
	rank, hasRank := s.takeValue(r, AdapterSetting, "lora rank")
	uses, says := s.said["use lora"]
	off := stated && !strings.Contains(kind, "lora") || says && !isOn(uses.value)
	switch {
	case off:
		return
	case hasRank:
		n, err := launch.ParseNumber(rank)
		if err != nil || n < 1 || n > 1<<14 {
			r.markUnknown(AdapterSetting, r.Explicit[AdapterSetting]+": no rank")
			return
		}
		if !stated && !says && r.Framework == trlName {
			return // --lora_r alone trains no adapters
		}
		r.Settings.AdapterRank = n
	case stated || says:
		r.Settings.AdapterRank = usualRank
	case defaults.rank > 0 && s.unknown["file"].place == "":
		r.Settings.AdapterRank = defaults.rank
	default:
		return
	}
	r.Settings.QuantisedBase = kind == "qlora" || strings.HasPrefix(s.said["quantised"].value, "bnb.nf4") ||
		isOn(s.said["4 bits"].value) || s.said["quantised bits"].value == "4"
	if isOn(s.said["8 bits"].value) || s.said["quantised bits"].value == "8" {
		r.markUnknown(BaseSetting, "frozen weights of 8 bits are not accounted for here: counted as 16 bits")
	}
	s.resolveTargets(r)
}

func (s *saidValues) resolveTargets(r *Reading) {
	text, found := s.takeValue(r, TargetSetting, "lora targets")
	var names []string
	for _, name := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ,[]'\"", c) }) {
		if name = name[strings.LastIndex(name, ".")+1:]; name == "output_proj" {
			name = "o_proj" // torchtune's
		}
		names = append(names, name)
	}
	if found && isOn(s.said["lora mlp"].value) {
		names = append(names, "gate_proj", "up_proj", "down_proj")
	}
	switch {
	case isOn(s.said["lora linear"].value), len(names) == 0, names[0] == "all", names[0] == "all-linear":
	default:
		r.Settings.AdapterTargets = strings.Join(names, ",")
	}
}

// resolvePrecision reads how wide numbers are. What DeepSpeed and FSDP train keeps a copy in 32 bits;
// otherwise weights are as they were loaded, and cast where they are multiplied.
func (s *saidValues) resolvePrecision(r *Reading, defaults *frameworkDefaults) {
	mixed := strings.ToLower(s.said["mixed precision"].value)
	brain, half := isOn(s.said["bf16"].value) || mixed == "bf16", isOn(s.said["fp16"].value) || mixed == "fp16"
	dtype := s.said["dtype"].value
	for _, meaning := range []string{"pure bf16", "bf16", "fp16", "mixed precision", "dtype", "precision"} {
		if said, found := s.said[meaning]; found {
			r.Explicit[PrecisionSetting] = said.place
			break
		}
	}
	shares := r.Settings.Stage != training.ShardNothing || s.usesDeepSpeed()
	switch {
	case isHalf(s.said["precision"].value):
		r.Settings.Precision = training.HalfPrecision
	case strings.HasSuffix(s.said["precision"].value, "-mixed"): // Lightning's
		r.Settings.Precision = training.Autocast
	case isSingle(s.said["precision"].value):
		r.Settings.Precision = training.SinglePrecision
	case mixed == "fp8" || isOn(s.said["fp8"].value):
		r.Settings.Precision = training.EightBits
	case isOn(s.said["pure bf16"].value), r.Framework == torchtuneName && isHalf(dtype):
		r.Settings.Precision = training.HalfPrecision
	case r.Framework == torchtitanName, r.Framework == megatronName && brain, shares && brain:
		r.Settings.Precision = training.MixedPrecision
	case (shares || r.Framework == megatronName) && half:
		r.Settings.Precision = training.LossScaled
	case brain || half:
		r.Settings.Precision = s.castPrecision(r, dtype)
	case isSingle(dtype):
		r.Settings.Precision = training.SinglePrecision
	case isHalf(dtype):
		r.Settings.Precision = training.HalfPrecision
	case defaults.single:
		r.Settings.Precision = training.SinglePrecision
	default:
		r.markUnknown(PrecisionSetting, s.whyMissing("no argument states it"))
	}
}

// castPrecision is the precision under autocast, by how the weights were loaded. axolotl and LLaMA-Factory load
// them in 16 bits, and LLaMA-Factory casts what is trained to 32; adapters are kept in 32 bits by PEFT.
func (s *saidValues) castPrecision(r *Reading, dtype string) training.Precision {
	loadedHalf := isHalf(dtype) || r.Framework == axolotlName || r.Framework == swiftName || r.Framework == llamaFactoryName &&
		r.Settings.AdapterRank > 0
	switch {
	case r.Settings.QuantisedBase || !loadedHalf:
		return training.Autocast
	case r.Settings.AdapterRank > 0:
		return training.MixedPrecision
	}
	return training.HalfPrecision
}
