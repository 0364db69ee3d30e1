package model

import (
	"testing"
)

// TestFamilies: families of which the catalogue has no model, and configurations that
// leave much out, by the parameters that they were published with.
func TestFamilies(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters int64
		config     string
	}{
		{"google/gemma-3n-E2B-it", 5439438272, `{"model_type": "gemma3n", "text_config": {"model_type": "gemma3n_text", "hidden_size": 2048,
			"num_hidden_layers": 30, "intermediate_size": 8192, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256,
			"num_kv_shared_layers": 10, "vocab_size": 262400, "vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256,
			"altup_num_inputs": 4, "laurel_rank": 64}, "vision_config": {"model_type": "gemma3n_vision",
			"architecture": "mobilenetv5_300m_enc", "hidden_size": 2048, "vocab_size": 128}, "audio_config": {"model_type": "gemma3n_audio",
			"hidden_size": 1536, "conf_num_hidden_layers": 12, "conf_num_attention_heads": 8, "conf_conv_kernel_size": 5,
			"sscp_conv_channel_size": [128, 32], "input_feat_size": 128, "vocab_size": 128}}`},
		// Verbatim: what equals the defaults of Gemma3TextConfig is left out.
		{"google/gemma-3-4b-it", 4300079472, `{"model_type": "gemma3", "mm_tokens_per_image": 256, "text_config": {"hidden_size": 2560,
			"intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34, "sliding_window": 1024},
			"torch_dtype": "bfloat16", "vision_config": {"hidden_size": 1152, "image_size": 896, "intermediate_size": 4304,
			"model_type": "siglip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14, "vision_use_head": false}}`},
		{"google/gemma-3n-E4B-it", 7849978192, `{"model_type": "gemma3n", "text_config": {"model_type": "gemma3n_text", "hidden_size": 2048,
			"num_hidden_layers": 35, "intermediate_size": 16384, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256,
			"num_kv_shared_layers": 15, "vocab_size": 262400, "vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256,
			"altup_num_inputs": 4, "laurel_rank": 64}, "vision_config": {"model_type": "gemma3n_vision",
			"architecture": "mobilenetv5_300m_enc", "hidden_size": 2048, "vocab_size": 128}, "audio_config": {"model_type": "gemma3n_audio",
			"hidden_size": 1536, "conf_num_hidden_layers": 12, "conf_num_attention_heads": 8, "conf_conv_kernel_size": 5,
			"sscp_conv_channel_size": [128, 32], "input_feat_size": 128, "vocab_size": 128}}`},
		{"EleutherAI/gpt-neo-125m", 125198592, `{"model_type": "gpt_neo", "hidden_size": 768, "num_layers": 12, "num_heads": 12,
			"vocab_size": 50257, "max_position_embeddings": 2048, "window_size": 256}`},
		{"albert/albert-base-v2", 11683584, `{"model_type": "albert", "hidden_size": 768, "embedding_size": 128, "num_hidden_layers": 12,
			"num_attention_heads": 12, "intermediate_size": 3072, "vocab_size": 30000, "max_position_embeddings": 512}`},
		{"microsoft/deberta-v3-base", 183831552,
			`{"model_type": "deberta-v2", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
				"vocab_size": 128100, "max_position_embeddings": 512, "relative_attention": true, "position_buckets": 256,
				"norm_rel_ebd": "layer_norm", "position_biased_input": false, "type_vocab_size": 0}`},
		{"microsoft/deberta-v3-large", 434012160,
			`{"model_type": "deberta-v2", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096,
				"vocab_size": 128100, "max_position_embeddings": 512, "relative_attention": true, "position_buckets": 256,
				"norm_rel_ebd": "layer_norm", "position_biased_input": false, "type_vocab_size": 0}`},
		{"stabilityai/stablelm-2-1_6b", 1644515328,
			`{"model_type": "stablelm", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "num_key_value_heads": 32,
				"intermediate_size": 5632, "vocab_size": 100352, "use_qkv_bias": true, "max_position_embeddings": 4096}`},
		{"facebook/mbart-large-50", 610879488, `{"model_type": "mbart", "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12,
			"encoder_attention_heads": 16, "decoder_attention_heads": 16, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096,
			"vocab_size": 250054, "max_position_embeddings": 1024}`},
		{"facebook/m2m100_418M", 483905536, `{"model_type": "m2m_100", "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12,
			"encoder_attention_heads": 16, "decoder_attention_heads": 16, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096,
			"vocab_size": 128112, "max_position_embeddings": 1024}`},
		{"facebook/nllb-200-distilled-600M", 615073792,
			`{"model_type": "m2m_100", "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 16,
				"decoder_attention_heads": 16, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096, "vocab_size": 256206,
				"max_position_embeddings": 1024}`},
		{"facebook/dinov2-base", 86580480, `{"model_type": "dinov2", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
			"mlp_ratio": 4, "image_size": 518, "patch_size": 14}`},
		{"facebook/convnext-tiny-224", 28589128,
			`{"model_type": "convnext", "architectures": ["ConvNextForImageClassification"], "hidden_sizes": [96, 192, 384, 768], "depths": [3,
				3, 9, 3], "patch_size": 4}`},
		{"facebook/convnextv2-tiny-1k-224", 28635496,
			`{"model_type": "convnextv2", "architectures": ["ConvNextV2ForImageClassification"], "hidden_sizes": [96, 192, 384, 768],
				"depths": [3, 3, 9, 3], "patch_size": 4}`},
		{"mistralai/Mamba-Codestral-7B-v0.1", 7285403648,
			`{"model_type": "mamba2", "hidden_size": 4096, "num_hidden_layers": 64, "vocab_size": 32768, "num_heads": 128, "head_dim": 64,
				"n_groups": 8, "state_size": 128, "conv_kernel": 4, "expand": 2, "use_bias": false, "use_conv_bias": true,
				"tie_word_embeddings": false}`},
		{"tiiuae/falcon-mamba-7b", 7272665088, `{"model_type": "falcon_mamba", "hidden_size": 4096, "intermediate_size": 8192,
			"num_hidden_layers": 64, "vocab_size": 65024, "state_size": 16, "conv_kernel": 4, "time_step_rank": 256, "use_bias": false,
			"use_conv_bias": true, "tie_word_embeddings": false}`},
		{"LiquidAI/LFM2-1.2B", 1170340608, `{"model_type": "lfm2", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
			"num_key_value_heads": 8, "block_ff_dim": 12288, "block_auto_adjust_ff_dim": true, "block_ffn_dim_multiplier": 1.0,
			"block_multiple_of": 256, "conv_L_cache": 3, "full_attn_idxs": [2, 5, 8, 10, 12, 14], "vocab_size": 65536}`},
		{"swiss-ai/Apertus-8B-2509", 8053338176,
			`{"model_type": "apertus", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
				"intermediate_size": 21504, "vocab_size": 131072, "tie_word_embeddings": false}`},
		{"Qwen/Qwen-7B", 7721324544, `{"model_type": "qwen", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
			"intermediate_size": 22016, "vocab_size": 151936, "kv_channels": 128, "no_bias": true, "seq_length": 8192,
			"tie_word_embeddings": false}`},
		{"facebook/opt-350m", 331196416, `{"model_type": "opt", "hidden_size": 1024, "word_embed_proj_dim": 512, "num_hidden_layers": 24,
			"num_attention_heads": 16, "ffn_dim": 4096, "vocab_size": 50272, "max_position_embeddings": 2048, "do_layer_norm_before": false}`},
		{"HuggingFaceTB/SmolVLM-256M-Instruct", 256484928,
			`{"model_type": "idefics3", "scale_factor": 4, "tie_word_embeddings": false, "text_config": {"model_type": "llama",
				"hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
				"vocab_size": 49280}, "vision_config": {"model_type": "idefics3_vision", "hidden_size": 768, "num_hidden_layers": 12,
				"num_attention_heads": 12, "intermediate_size": 3072, "image_size": 512, "patch_size": 16}}`},
		{"MiniMaxAI/MiniMax-Text-01", 456089655296,
			`{"model_type": "minimax_text_01", "hidden_size": 6144, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
				"head_dim": 128, "intermediate_size": 9216, "num_local_experts": 32, "num_experts_per_tok": 2, "vocab_size": 200064,
				"attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
				0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]}`},
		{"meituan-longcat/LongCat-Flash-Chat", 561862880256,
			`{"model_type": "longcat_flash", "hidden_size": 6144, "num_layers": 28, "num_attention_heads": 64, "ffn_hidden_size": 12288,
				"expert_ffn_hidden_size": 2048, "n_routed_experts": 512, "zero_expert_num": 256, "moe_topk": 12, "kv_lora_rank": 512,
				"q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 131072}`},
		{"tiiuae/Falcon-H1-0.5B-Base", 521411104,
			`{"model_type": "falcon_h1", "hidden_size": 1024, "num_hidden_layers": 36, "num_attention_heads": 8, "num_key_value_heads": 2,
				"head_dim": 64, "intermediate_size": 2048, "vocab_size": 32784, "mamba_d_ssm": 1536, "mamba_n_heads": 24, "mamba_d_head": 64,
				"mamba_d_state": 128, "mamba_n_groups": 1, "mamba_d_conv": 4, "mamba_rms_norm": false, "tie_word_embeddings": false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(c.config))
			if err != nil {
				t.Fatal(err)
			}
			checkSane(t, c.name, m)
			if got := m.Parameters(); got != c.parameters {
				t.Fatalf("%+d: m.Parameters() = %v, want %v", m.Parameters()-c.parameters, got, c.parameters)
			}
		})
	}
}
