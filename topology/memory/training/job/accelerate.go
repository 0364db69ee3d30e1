package job

import "strings"

// addAccelerate takes Accelerate's configuration file: its keys are those of its flags, but for what
// says how GPUs share. Source: ClusterConfig in accelerate/commands/config.
func (s *saidValues) addAccelerate(content map[string]any, place string) {
	say := func(meaning, key string) { s.addStatement(meaning, "true", place+": "+key) }
	kind := strings.ToUpper(scalarText(content["distributed_type"]))
	key := "distributed_type: " + kind
	switch kind {
	case "DEEPSPEED":
		say("use deepspeed", key)
	case "FSDP":
		say("use fsdp", key)
	case "MULTI_GPU", "NO":
		say("use ddp", key)
	}
	for _, name := range []string{"mixed_precision", "num_processes", "num_machines"} {
		if value := content[name]; value != nil {
			text := scalarText(value)
			s.addStatement(meaningOf(name), text, place+": "+name+": "+text)
		}
	}
	if inner, nested := content["deepspeed_config"].(map[string]any); nested {
		s.addKeys(inner, "", place, 1)
	}
	if inner, nested := content["fsdp_config"].(map[string]any); nested && len(inner) > 0 {
		s.addFSDP(inner, place)
	}
	if inner, nested := content["parallelism_config"].(map[string]any); nested {
		s.addKeys(inner, "", place, 1)
	}
}
