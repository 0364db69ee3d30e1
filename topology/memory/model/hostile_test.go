package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// hostileValues are values that no config.json should state anywhere.
var hostileValues = []any{-1, 0, 1, 1e18, 1.5, "x", true, []any{}, []any{-1, "x"}, map[string]any{"a": nil}, nil}

// TestHostileValues puts each of them in place of each number, list and object of one
// config.json of every kind in the catalogue: that is an error or a sane model.
func TestHostileValues(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range Names() {
		config, found := Config(name)
		if !found { // TestCatalogue says so
			continue
		}
		var values map[string]any
		if err := json.Unmarshal(config, &values); err != nil {
			t.Fatal(err)
		}
		kind := kindOf(values)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		part := values
		if quantised, ok := values["quantization_config"].(map[string]any); ok && !strings.Contains(kind, "gpt_oss") {
			part = quantised // the rest is tried where it is not quantised
		}
		eachField(part, "", 0, func(path string, object map[string]any, key string) {
			original := object[key]
			for i, value := range hostileValues {
				if testing.Short() && i%4 != 0 {
					continue
				}
				object[key] = value
				text, err := json.Marshal(values)
				if err != nil {
					t.Fatal(err)
				}
				m, err := Parse(text)
				if err == nil {
					checkSane(t, fmt.Sprintf("%s with %s %v", name, path, value), m)
					continue
				}
				if !strings.HasPrefix(err.Error(), "config.json") {
					t.Fatalf("%s with %s %v: %v", name, path, value, err)
				}
			}
			object[key] = original
		})
	}
	if len(seen) <= 80 {
		t.Fatalf("len(seen) = %v, want more than %v", len(seen), 80)
	}
}

// kindOf is what decides how a config.json is read.
func kindOf(values map[string]any) string {
	kind := fmt.Sprint(values["model_type"])
	for _, part := range []string{"text_config", "vision_config", "quantization_config"} {
		if inner, ok := values[part].(map[string]any); ok {
			kind += fmt.Sprint(" ", inner["model_type"], inner["quant_method"])
		}
	}
	return kind
}

func eachField(values map[string]any, path string, depth int, visit func(path string, object map[string]any, key string)) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == "architectures" {
			continue
		}
		visit(path+key, values, key)
		if inner, ok := values[key].(map[string]any); ok && depth < 3 {
			eachField(inner, path+key+".", depth+1, visit)
		}
	}
}

// TestErrorsNameTheField: what cannot be read is named with its path.
func TestErrorsNameTheField(t *testing.T) {
	const llama = `"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 32,
		"intermediate_size": 11008, "vocab_size": 32000`
	for _, c := range []struct{ config, problem string }{
		{`{`, "config.json: unexpected EOF"},
		{`[]`, "config.json: json: cannot unmarshal array"},
		{`{}`, "config.json: model_type: missing"},
		{`{"model_type": 3}`, `config.json: model_type: "3" is not a text`},
		{`{"model_type": "llam"}`, `config.json: model_type: "llam" is not an architecture`},
		{`{"model_type": "llama"}`, "config.json: hidden_size or n_embd"},
		{`{` + llama + `, "hidden_size": -1}`, "config.json: hidden_size: -1 is not between 1 and"},
		{`{` + llama + `, "hidden_size": 0}`, "config.json: hidden_size: 0 is not between 1 and"},
		{`{` + llama + `, "hidden_size": 1e18}`, "config.json: hidden_size: 1000000000000000000 is not between 1 and"},
		{`{` + llama + `, "hidden_size": "4096"}`, `config.json: hidden_size: "4096" is not a whole number`},
		{`{` + llama + `, "hidden_size": {"a": [{}]}}`, "config.json: hidden_size:"},
		{`{` + llama + `, "num_hidden_layers": 100000}`, "num_hidden_layers"},
		{`{` + llama + `, "num_key_value_heads": 5}`, "config.json: num_key_value_heads: 5 does not divide num_attention_heads 32"},
		{`{` + llama + `, "vocab_size": 1048576, "intermediate_size": 1048576, "hidden_size": 1048576, "num_hidden_layers": 1024,
			"head_dim": 32768}`, "more than 2^46 parameters"},
		{`{` + llama + `, "tie_word_embeddings": "yes"}`, `config.json: tie_word_embeddings: "yes" is neither true nor false`},
		{`{` + llama + `, "torch_dtype": "int3"}`, `config.json: torch_dtype: "int3" is not known`},
		{`{` + llama + `, "quantization_config": {}}`, "config.json: quantization_config.quant_method"},
		{`{` + llama + `, "quantization_config": {"quant_method": "gguf"}}`, "because the layout is in the .gguf file"},
		{`{` + llama + `, "quantization_config": {"quant_method": "gptq"}}`, "config.json: quantization_config.bits: missing"},
		{`{` + llama + `, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 0}}`,
			"config.json: quantization_config.group_size: 0 is not between"},
		{`{` + llama + `, "quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {}}}}}`,
			"config.json: quantization_config.config_groups.group_0.weights.num_bits: missing"},
		{`{` + llama + `, "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["re:("]}}`,
			"config.json: quantization_config.modules_to_not_convert: error parsing regexp"},
		{`{"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 8, "num_hidden_layers": 2,
			"intermediate_size": "x"}}`, "config.json: text_config.intermediate_size:"},
		{`{"model_type": "gemma3", "text_config": []}`, "config.json: text_config:"},
		{`{"model_type": "mistral3", "text_config": {` + llama + `}, "vision_config": {"model_type": "pixtral", "patch_size": -14}}`,
			"config.json: vision_config.patch_size: -14 is not between"},
		{`{"model_type": "mistral3", "text_config": {` + llama + `}, "vision_config": {"model_type": "eye"}}`,
			`config.json: vision_config.model_type: "eye" is not`},
	} {
		_, err := Parse([]byte(c.config))
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Fatalf("%v: error %v, want %q", c.config, err, c.problem)
		}
	}
}

func FuzzParse(f *testing.F) {
	seen := map[string]bool{}
	for _, name := range Names() {
		config, _ := Config(name)
		var values map[string]any
		if json.Unmarshal(config, &values) == nil && !seen[kindOf(values)] {
			seen[kindOf(values)] = true
			f.Add([]byte(config))
		}
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		m, err := Parse(config)
		if err == nil {
			checkSane(t, "fuzzed", m)
		}
	})
}
