package job

// addDeepSpeed takes DeepSpeed's configuration. "auto" leaves a value to the Trainer's arguments. Source:
// "DeepSpeed Configuration JSON" at deepspeed.ai.
func (s *saidValues) addDeepSpeed(content map[string]any, place string) {
	take := func(meaning string, path ...string) {
		var value any = content
		for _, key := range path {
			inner, nested := value.(map[string]any)
			if !nested {
				return
			}
			value = inner[key]
		}
		if _, nested := value.(map[string]any); nested || value == nil {
			return
		}
		name := path[0]
		for _, key := range path[1:] {
			name += "." + key
		}
		if text := scalarText(value); text != "auto" {
			s.addStatement(meaning, text, place+": "+name+": "+text)
		}
	}
	take("zero stage", "zero_optimization", "stage")
	take("offload optimizer", "zero_optimization", "offload_optimizer", "device")
	take("offload parameters", "zero_optimization", "offload_param", "device")
	take("bucket", "zero_optimization", "reduce_bucket_size")
	take("bf16", "bf16", "enabled")
	take("bf16", "bfloat16", "enabled")
	take("fp16", "fp16", "enabled")
	take("batch", "train_micro_batch_size_per_gpu")
	take("accumulation", "gradient_accumulation_steps")
	take("optimizer", "optimizer", "type")
	take("tensor", "tensor_parallel", "autotp_size")
	if _, found := s.said["zero stage"]; !found {
		s.addStatement("zero stage", "0", place+": no zero_optimization.stage")
	}
}
