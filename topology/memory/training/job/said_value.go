package job

import (
	"fmt"
	"sort"
	"strings"
)

// saidValue is what was said, and where.
type saidValue struct{ value, place string }

// saidValues are what is said about training, by the meaning of the name under which it is said. What
// stands first counts.
type saidValues struct {
	said map[string]saidValue
	// unknown says why a meaning is not known although it is stated.
	unknown map[string]saidValue
	// names are the names of all arguments, by which a framework is told.
	names map[string]bool
	files map[string]map[string]any
}

// addStatement takes a statement, unless there is one of the same meaning.
func (s *saidValues) addStatement(meaning, value, place string) {
	if _, found := s.said[meaning]; !found && meaning != "" && s.unknown[meaning].place == "" {
		s.said[meaning] = saidValue{value, place}
	}
}

// addArguments takes flags and key=value words.
func (s *saidValues) addArguments(all []wordArgument) {
	for i := range all {
		a := &all[i]
		if a.name == "" {
			continue
		}
		s.names[a.name] = true
		meaning := meaningOf(a.name)
		if meaning == "" {
			continue
		}
		if a.unknown != "" {
			if _, found := s.said[meaning]; !found {
				s.unknown[meaning] = saidValue{a.unknown, a.place}
			}
			continue
		}
		value := a.value
		if a.bare {
			value = "true"
			if strings.HasPrefix(a.name, "no_") && meaningOf(strings.TrimPrefix(a.name, "no_")) == meaning {
				value = "false"
			}
		}
		s.addStatement(meaning, value, a.place)
	}
}

// addFile takes the keys of a parsed file, those within others by their path: "model.lora_rank".
func (s *saidValues) addFile(content map[string]any, name string) {
	s.addKeys(content, "", "file "+name, 0)
}

// maxDepth bounds how deep a file's keys are read.
const maxDepth = 8

func (s *saidValues) addKeys(content map[string]any, prefix, place string, depth int) {
	if depth > maxDepth {
		return
	}
	for _, key := range sortedKeys(content) {
		name := plainName(prefix + key)
		s.names[name] = true
		if inner, nested := content[key].(map[string]any); nested {
			s.addNested(name, inner, place, depth)
			continue
		}
		text := scalarText(content[key])
		if meaning := meaningOf(name); meaning != "" && content[key] != nil {
			s.addStatement(meaning, text, fmt.Sprintf("%s: %s: %s", place, name, text))
		}
	}
}

// addNested takes the keys within another. DeepSpeed's and FSDP's settings stand in other files' as they stand in
// their own.
func (s *saidValues) addNested(name string, inner map[string]any, place string, depth int) {
	switch name {
	case "deepspeed", "deepspeed_config":
		s.addStatement("deepspeed", "true", place+": "+name)
		s.addDeepSpeed(inner, place)
		s.addAccelerate(map[string]any{"distributed_type": "DEEPSPEED", "deepspeed_config": inner}, place)
	case "fsdp_config":
		s.addFSDP(inner, place)
	default:
		s.addKeys(inner, name+".", place, depth+1)
	}
}

// scalarText writes a value of a file as it would stand on a command line.
func scalarText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, 0, len(v))
		for _, element := range v {
			parts = append(parts, scalarText(element))
		}
		return strings.Join(parts, ",")
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v))
		}
	}
	return fmt.Sprint(value)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
