package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// configOf writes the config.json that a row's columns state. Which family it is
// follows from the kind of attention and from the model's name.
func configOf(r csvRow) ([]byte, error) {
	if r.integerAt("hidden_size") == 0 || r.integerAt("num_hidden_layers") == 0 {
		return nil, fmt.Errorf("not in the catalogue, and the row has no hidden_size and num_hidden_layers")
	}
	if r.integerAt("vocab_size") == 0 {
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
		if value := r.integerAt(from); value > 0 {
			config[to] = value
		}
	}
	config["tie_word_embeddings"] = readTruth(r["tie_word_embeddings"])
	family, err := familyOf(r)
	if err != nil {
		return nil, err
	}
	config["model_type"] = family
	said := schemeOf(r["quant"])
	if said.method == plain32 {
		config["torch_dtype"] = "float32"
	}
	sliding, full := r.integerAt("n_sliding_layers"), r.integerAt("n_full_layers")
	if r.integerAt("sliding_window") > 0 && sliding > 0 && full >= 0 && sliding+full == r.integerAt("num_hidden_layers") &&
		sliding+full <= maxLayers {
		config["layer_types"] = layerTypes(sliding, full)
	}
	if quantisation, err := said.quantisationConfig(); err != nil {
		return nil, err
	} else if quantisation != nil {
		config["quantization_config"] = quantisation
	}
	return json.Marshal(config)
}

// maxLayers is more than any model has.
const maxLayers = 1024

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

func familyOf(r csvRow) (string, error) {
	attention, class := strings.ToUpper(r["attn"]), strings.ToLower(r["arch_class"])
	undescribed := slices.Contains([]string{"enc-dec", "enc_dec", "encoder-decoder", "encdec", "seq2seq", "cnn", "convnet", "encoder",
		"encoder-only", "vit", "vision"}, class)
	experts := r.integerAt("n_experts") > 0
	switch {
	case strings.Contains(attention, "GDN"), strings.Contains(attention, "MAMBA"), strings.Contains(attention, "LINEAR"):
		return "", fmt.Errorf("not in the catalogue, and the columns do not describe its linear attention")
	case undescribed:
		return "", fmt.Errorf("not in the catalogue, and the columns do not describe a model of class %s", class)
	case r.integerAt("kv_lora_rank") > 0:
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
