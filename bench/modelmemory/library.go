package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// library finds models by name: in the catalogue, or built from the columns of a
// models file.
type library struct {
	rows  []row
	built map[string]built
}

type built struct {
	model  *model.Model
	config []byte
	from   string // where the architecture came from
	err    error
}

func newLibrary(rows []row) *library {
	l := &library{rows: rows, built: map[string]built{}}
	for _, r := range rows {
		b := buildRow(r)
		for _, name := range names(r["model"]) {
			key := strings.ToLower(name)
			if _, taken := l.built[key]; !taken {
				l.built[key] = b
			}
		}
	}
	return l
}

// find looks a model up by any of the names that a cell stands for.
func (l *library) find(cell string) built {
	for _, name := range names(cell) {
		if b, found := l.built[strings.ToLower(name)]; found && b.err == nil {
			return b
		}
		if m, err := model.Known(name); err == nil {
			return inCatalogue(name, m)
		}
	}
	if b, found := l.built[strings.ToLower(cell)]; found {
		return b
	}
	for _, name := range names(cell) {
		if base := unquantised(name); base != name {
			if b := l.find(base); b.err == nil {
				return b
			}
		}
	}
	return built{err: fmt.Errorf("the architecture of %q is not known", cell)}
}

var optional = regexp.MustCompile(`\(([^)]*)\)`)

// names are the names that a cell such as "org/a(-Instruct)" or "org/a / b" stands for.
func names(cell string) []string {
	var out []string
	organisation := ""
	for _, part := range strings.Split(cell, " / ") {
		part = strings.TrimSpace(part)
		if before, _, found := strings.Cut(part, "/"); found {
			organisation = before + "/"
		} else if organisation != "" {
			part = organisation + part
		}
		full := optional.ReplaceAllString(part, "$1")
		without := strings.TrimSpace(optional.ReplaceAllString(part, ""))
		out = append(out, without)
		if full != without && !strings.Contains(full, " ") {
			out = append(out, full)
		}
	}
	return out
}

// scheme matches how names say that a model is a quantised copy of another.
var scheme = regexp.MustCompile(`(?i)[-_ ](awq|gptq|fp8|nvfp4|mxfp4|w\d+a\d+|int\d|\d-?bit|bnb|dynamic|quantized\S*|autoround|marlin)$`)

// unquantised is the name of the model of which the named one is a quantised copy.
func unquantised(name string) string {
	for {
		shorter := scheme.ReplaceAllString(strings.TrimSpace(optional.ReplaceAllString(name, "")), "")
		if shorter == name {
			return name
		}
		name = shorter
	}
}

// buildRow builds a row's model: from the catalogue where it has a model of that name
// with the row's widths, and from the row's columns otherwise.
func buildRow(r row) built {
	var refused error
	for _, name := range names(r["model"]) {
		m, err := model.Known(name)
		if err != nil {
			if _, unknown := err.(*model.UnknownModel); !unknown {
				refused = err
			}
			continue
		}
		if agrees(m, r) {
			return inCatalogue(name, m)
		}
	}
	config, err := configOf(r)
	if err != nil {
		if refused != nil {
			err = refused
		}
		return built{err: err}
	}
	m, err := model.Parse(config)
	if err != nil {
		return built{err: fmt.Errorf("from the row's columns: %w", err)}
	}
	return built{model: m, config: config, from: "columns"}
}

// agrees reports whether the catalogue's model has the widths and the quantisation
// that the row states.
func agrees(m *model.Model, r row) bool {
	for _, pair := range []struct {
		column string
		value  int64
	}{{"hidden_size", m.Hidden}, {"num_hidden_layers", int64(len(m.Order))}} {
		stated := r.integer(pair.column)
		if stated != 0 && pair.value != 0 && stated != pair.value && m.Kind != model.EncoderDecoder {
			return false
		}
	}
	quantised := !plainQuant(r["quant"])
	return r["quant"] == "" || quantised == (m.Quantisation != "")
}

func plainQuant(text string) bool {
	switch strings.ToLower(text) {
	case "", "bf16", "fp16", "fp32", "f32", "f16":
		return true
	}
	return false
}

// configOf writes the config.json that a row's columns state. Which family it is
// follows from the kind of attention and from the model's name.
func configOf(r row) ([]byte, error) {
	if r.integer("hidden_size") == 0 || r.integer("num_hidden_layers") == 0 {
		return nil, fmt.Errorf("not in the catalogue, and the row has no hidden_size and num_hidden_layers")
	}
	if r.integer("vocab_size") == 0 {
		return nil, fmt.Errorf("not in the catalogue, and the row has no vocab_size")
	}
	config := map[string]any{}
	for from, to := range map[string]string{
		"hidden_size": "hidden_size", "num_hidden_layers": "num_hidden_layers", "num_attention_heads": "num_attention_heads",
		"num_key_value_heads": "num_key_value_heads", "head_dim": "head_dim", "intermediate_size": "intermediate_size",
		"vocab_size": "vocab_size", "experts_per_tok": "num_experts_per_tok",
		"moe_intermediate_size": "moe_intermediate_size", "first_k_dense": "first_k_dense_replace", "kv_lora_rank": "kv_lora_rank",
		"q_lora_rank": "q_lora_rank", "qk_rope_head_dim": "qk_rope_head_dim", "qk_nope_head_dim": "qk_nope_head_dim",
		"v_head_dim": "v_head_dim", "sliding_window": "sliding_window", "max_pos": "max_position_embeddings", "n_experts": "num_local_experts",
		"n_shared_experts": "n_shared_experts",
	} {
		if value := r.integer(from); value > 0 {
			config[to] = value
		}
	}
	config["tie_word_embeddings"] = strings.EqualFold(r["tie_word_embeddings"], "true")
	family, err := familyOf(r)
	if err != nil {
		return nil, err
	}
	config["model_type"] = family
	if strings.EqualFold(r["quant"], "fp32") {
		config["torch_dtype"] = "float32"
	}
	if sliding := r.integer("n_sliding_layers"); sliding > 0 && r.integer("sliding_window") > 0 {
		config["layer_types"] = layerTypes(sliding, r.integer("n_full_layers"))
	}
	if quantisation, err := quantisationOf(r["quant"]); err != nil {
		return nil, err
	} else if quantisation != nil {
		config["quantization_config"] = quantisation
	}
	return json.Marshal(config)
}

// layerTypes spreads full layers evenly among sliding ones.
func layerTypes(sliding, full int64) []string {
	types := make([]string, 0, sliding+full)
	for i := range sliding + full {
		if full > 0 && (i+1)*full/(sliding+full) > i*full/(sliding+full) {
			types = append(types, "full_attention")
		} else {
			types = append(types, "sliding_attention")
		}
	}
	return types
}

// families by what stands in a model's name, the first that matches.
var families = []struct {
	name          *regexp.Regexp
	dense, expert string
}{
	{regexp.MustCompile(`(?i)gpt-?oss`), "gpt_oss", "gpt_oss"},
	{regexp.MustCompile(`(?i)qwen-?3`), "qwen3", "qwen3_moe"},
	{regexp.MustCompile(`(?i)qwen|qwq`), "qwen2", "qwen2_moe"},
	{regexp.MustCompile(`(?i)gemma-?2`), "gemma2", "gemma2"},
	{regexp.MustCompile(`(?i)gemma-?3`), "gemma3_text", "gemma3_text"},
	{regexp.MustCompile(`(?i)gemma`), "gemma", "gemma"},
	{regexp.MustCompile(`(?i)falcon-(7|40|180)b`), "falcon", "falcon"},
	{regexp.MustCompile(`(?i)phi-?[34]`), "phi3", "phimoe"},
	{regexp.MustCompile(`(?i)starcoder2`), "starcoder2", "starcoder2"},
	{regexp.MustCompile(`(?i)opt-\d`), "opt", "opt"},
	{regexp.MustCompile(`(?i)gpt-?2`), "gpt2", "gpt2"},
	{regexp.MustCompile(`(?i)pythia|neox`), "gpt_neox", "gpt_neox"},
	{regexp.MustCompile(`(?i)bloom`), "bloom", "bloom"},
	{regexp.MustCompile(`(?i)command|aya|c4ai`), "cohere", "cohere"},
	{regexp.MustCompile(`(?i)mistral|mixtral`), "mistral", "mixtral"},
}

func familyOf(r row) (string, error) {
	attention, class := strings.ToUpper(r["attn"]), r["arch_class"]
	experts := r.integer("n_experts") > 0
	switch {
	case strings.Contains(attention, "GDN"), strings.Contains(attention, "MAMBA"), strings.Contains(attention, "LINEAR"):
		return "", fmt.Errorf("not in the catalogue, and the columns do not describe its linear attention")
	case class == "enc-dec", class == "cnn", class == "encoder":
		return "", fmt.Errorf("not in the catalogue, and the columns do not describe a model of class %s", class)
	case r.integer("kv_lora_rank") > 0:
		return "deepseek_v3", nil
	}
	for _, family := range families {
		if family.name.MatchString(r["model"]) {
			if experts {
				return family.expert, nil
			}
			return family.dense, nil
		}
	}
	if experts {
		return "mixtral", nil
	}
	return "llama", nil
}

var group = regexp.MustCompile(`g(\d+)`)

// quantisationOf turns a cell such as "awq w4 g128" or "fp8 block128" into what
// config.json says for it; nil without quantisation.
func quantisationOf(cell string) (map[string]any, error) {
	text := strings.ToLower(cell)
	size := 128
	if match := group.FindStringSubmatch(text); match != nil {
		fmt.Sscan(match[1], &size)
	}
	switch {
	case plainQuant(text):
		return nil, nil
	case strings.Contains(text, "mxfp4"):
		return map[string]any{"quant_method": "mxfp4"}, nil
	case strings.Contains(text, "nvfp4"):
		return map[string]any{"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}, nil
	case strings.Contains(text, "block"):
		return map[string]any{"quant_method": "fp8", "weight_block_size": []int{128, 128}}, nil
	case strings.Contains(text, "fp8"):
		return map[string]any{"quant_method": "fp8"}, nil
	case strings.Contains(text, "awq"), strings.Contains(text, "gptq"), strings.Contains(text, "w4"), strings.Contains(text, "int4"), strings.Contains(text, "4-bit"):
		method := "gptq"
		if strings.Contains(text, "awq") {
			method = "awq"
		}
		return map[string]any{"quant_method": method, "bits": 4, "group_size": size}, nil
	case strings.Contains(text, "w8"), strings.Contains(text, "int8"):
		return map[string]any{"quant_method": "gptq", "bits": 8, "group_size": size}, nil
	case strings.Contains(text, "bnb"), strings.Contains(text, "bitsandbytes"), strings.Contains(text, "nf4"):
		return map[string]any{"quant_method": "bitsandbytes", "load_in_4bit": true}, nil
	}
	return nil, fmt.Errorf("quantisation %q is not known", cell)
}

func inCatalogue(name string, m *model.Model) built {
	config, _ := model.Config(name)
	return built{model: m, config: config, from: "catalogue"}
}

// quantisedAs is the model with a row's quantisation, if it is known without one.
func (b built) quantisedAs(cell string) (*model.Model, error) {
	if plainQuant(cell) || b.model.Quantisation != "" {
		return b.model, nil
	}
	quantisation, err := quantisationOf(cell)
	if err != nil || quantisation == nil {
		return b.model, err
	}
	var config map[string]any
	if err := json.Unmarshal(b.config, &config); err != nil {
		return nil, err
	}
	config["quantization_config"] = quantisation
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	return model.Parse(text)
}
