package model

import (
	"bytes"
	"encoding/json"
)

// defaultConfigs are what Transformers leaves out of a config.json because its
// configuration class assumes it. Only for classes on whose defaults published
// models rely. Source: configuration_<type>.py of the same names.
var defaultConfigs = map[string]string{
	"gemma3_text": `{"vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
		"sliding_window": 4096, "max_position_embeddings": 131072}`,
	"gemma3n_text": `{"vocab_size": 262400, "vocab_size_per_layer_input": 262144, "hidden_size": 2048,
		"hidden_size_per_layer_input": 256, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256, "sliding_window": 512,
		"altup_num_inputs": 4, "num_kv_shared_layers": 15, "laurel_rank": 64, "max_position_embeddings": 32768}`,
	"gemma3n_vision": `{"architecture": "mobilenetv5_300m_enc", "hidden_size": 2048, "vocab_size": 128}`,
	"gemma4_text": `{"vocab_size": 262144, "vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256,
		"head_dim": 256, "global_head_dim": 512, "sliding_window": 512}`,
	"gemma4_vision": `{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 16, "num_attention_heads": 12,
		"head_dim": 64, "patch_size": 16, "position_embedding_size": 10240}`,
	"siglip_vision_model": `{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
		"num_channels": 3, "image_size": 224, "patch_size": 16}`,
	"idefics3_vision": `{"hidden_size": 1152, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16,
		"image_size": 224, "patch_size": 32, "vision_use_head": false}`,
	"smolvlm_vision": `{"hidden_size": 1152, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16,
		"image_size": 224, "patch_size": 32, "vision_use_head": false}`,
	"clip_vision_model": `{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
		"image_size": 224, "patch_size": 32}`,
	"pixtral": `{"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
		"image_size": 1024, "patch_size": 16}`,
	"llama4_text": `{"attention_chunk_size": 8192}`,
	"intern_vit_6b": `{"hidden_size": 3200, "intermediate_size": 12800, "num_hidden_layers": 48, "num_attention_heads": 25,
		"image_size": 224, "patch_size": 14, "qk_normalization": true, "norm_type": "rms_norm"}`,
	"internvl_vision": `{"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
		"image_size": 448, "patch_size": 14}`,
	"moonvit": `{"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
		"patch_size": 14, "init_pos_emb_height": 64, "init_pos_emb_width": 64, "merge_kernel_size": [2, 2]}`,
	"qwen3_next":       `{"full_attention_interval": 4, "num_nextn_predict_layers": 1, "partial_rotary_factor": 0.25}`,
	"qwen3_5_text":     `{"full_attention_interval": 4, "partial_rotary_factor": 0.25}`,
	"qwen3_5_moe_text": `{"full_attention_interval": 4, "partial_rotary_factor": 0.25}`,
	"mamba2": `{"num_heads": 128, "head_dim": 64, "vocab_size": 32768, "hidden_size": 4096, "state_size": 128,
		"num_hidden_layers": 64, "n_groups": 8, "expand": 2, "conv_kernel": 4, "tie_word_embeddings": false}`,
	"clip_text_model": `{"vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12,
		"num_attention_heads": 8, "max_position_embeddings": 77}`,
	"siglip_text_model": `{"vocab_size": 32000, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
		"num_attention_heads": 12, "max_position_embeddings": 64}`,
	"falcon":     `{"max_position_embeddings": 2048}`,
	"distilbert": `{"hidden_dim": 3072, "max_position_embeddings": 512}`,
	"bert":       `{"type_vocab_size": 2}`,
	"electra":    `{"type_vocab_size": 2}`,
	"albert":     `{"type_vocab_size": 2, "embedding_size": 128}`,
	"modernbert": `{"max_position_embeddings": 8192}`,
	"t5":         `{"relative_attention_num_buckets": 32, "n_positions": 512}`,
	"mt5":        `{"relative_attention_num_buckets": 32, "n_positions": 512, "feed_forward_proj": "gated-gelu"}`,
	"umt5":       `{"relative_attention_num_buckets": 32, "n_positions": 512, "feed_forward_proj": "gated-gelu"}`,
	"vit":        `{"image_size": 224, "patch_size": 16, "num_channels": 3}`,
	"dinov2":     `{"image_size": 224, "patch_size": 14, "num_channels": 3}`,
	"resnet": `{"num_channels": 3, "embedding_size": 64, "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3],
		"layer_type": "bottleneck"}`,
	"gemma4_unified_vision": `{"mm_embed_dim": 3840, "mm_posemb_size": 1120, "output_proj_dims": 3840, "patch_size": 16,
		"pooling_kernel_size": 3}`,
	"gemma4_unified_text": `{"vocab_size": 262144, "head_dim": 256, "global_head_dim": 512, "sliding_window": 1024}`,
	"phi":                 `{"partial_rotary_factor": 0.5}`,
	"persimmon":           `{"partial_rotary_factor": 0.5}`,
	"nemotron":            `{"partial_rotary_factor": 0.5}`,
	"glm":                 `{"partial_rotary_factor": 0.5}`,
	"glm4":                `{"partial_rotary_factor": 0.5}`,
	"glm4_moe":            `{"partial_rotary_factor": 0.5}`,
	"stablelm":            `{"partial_rotary_factor": 0.25}`,
	"gpt_neox":            `{"rotary_pct": 0.25}`,
	"longcat_flash":       `{"num_nextn_predict_layers": 1}`,
	"gptj":                `{"rotary_dim": 64}`,
	"gpt2":                `{"n_positions": 1024}`,
	"qwen2_5_vl":          `{"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14}`,
}

// withDefaults fills in what a model_type leaves out.
func (f *configFields) withDefaults(kind string) *configFields {
	text, ok := defaultConfigs[kind]
	if !ok {
		return f
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		f.addError("model_type", "the defaults of %s: %v", kind, err)
	}
	return f.withValuesUnder(values)
}
