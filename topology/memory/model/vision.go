package model

// Vision towers, by the model_type of their vision_config. Sources: the modelling
// code of the same names in Transformers.
var towers = map[string]func(*builder){
	"siglip_vision_model":   siglipTower,
	"siglip2_vision_model":  siglipTower,
	"idefics3_vision":       siglipTower,
	"smolvlm_vision":        siglipTower,
	"clip_vision_model":     clipTower,
	"pixtral":               pixtralTower,
	"llama4_vision_model":   llama4Tower,
	"mllama_vision_model":   mllamaTower,
	"intern_vit_6b":         internTower,
	"internvl_vision":       internTower,
	"moonvit":               moonTower,
	"qwen2_vl":              qwen2Tower,
	"qwen2_5_vl":            qwen25Tower,
	"qwen3_vl":              qwen3Tower,
	"qwen3_vl_moe":          qwen3Tower,
	"qwen3_5":               qwen3Tower,
	"qwen3_5_moe":           qwen3Tower,
	"gemma3n_vision":        mobileNetTower,
	"gemma4_vision":         gemma4Tower,
	"gemma4_unified_vision": gemma4Unified,
	"minimax_m3_vision":     miniMax3Tower,
}

func siglipTower(b *builder) {
	v := b.image()
	b.patches(v.hidden, v.channels, v.patch, true)
	positions := v.count
	if stated := b.dimension("num_patches"); stated > 0 {
		positions = stated
	}
	b.matrix("position_embedding", Other, positions, v.hidden, Replicated)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	b.layerNorm("post_layernorm", v.hidden, false)
	if b.flag(b.pooled(), "vision_use_head") {
		b.vector("head.probe", Other, v.hidden, Replicated)
		b.biased("head.attention.in_proj", AttentionPart, 3*v.hidden, v.hidden, Rows)
		b.biased("head.attention.out_proj", AttentionPart, v.hidden, v.hidden, Columns)
		b.layerNorm("head.layernorm", v.hidden, false)
		b.feedForward("head.mlp", MLP, v.hidden, v.ff, false, true)
	}
}

// pooled is whether a tower ends in one vector rather than in one per patch: it does
// in models that compare images with text.
func (b *builder) pooled() bool { return b.model.Kind != Decoder }

func clipTower(b *builder) {
	v := b.image()
	b.vector("class_embedding", Other, v.hidden, Replicated)
	b.patches(v.hidden, v.channels, v.patch, false)
	b.matrix("position_embedding", Other, v.count+1, v.hidden, Replicated)
	b.layerNorm("pre_layrnorm", v.hidden, false)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	b.layerNorm("post_layernorm", v.hidden, false)
}

func pixtralTower(b *builder) {
	v := b.image()
	b.patches(v.hidden, v.channels, v.patch, false)
	b.layerNorm("ln_pre", v.hidden, true)
	b.times(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, rms: true, gated: true, plainQKV: true, plainOut: true, plainMLP: true})
	})
}

func internTower(b *builder) {
	v := b.image()
	b.vector("class_embedding", Other, v.hidden, Replicated)
	b.patches(v.hidden, v.channels, v.patch, true)
	b.matrix("position_embedding", Other, v.count+1, v.hidden, Replicated)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, scaled: true}
	layer.plainQKV = !b.flag(false, "qkv_bias", "attention_bias")
	layer.rms = b.text("norm_type") == "rms_norm"
	if b.flag(false, "qk_normalization", "use_qk_norm") {
		layer.qkNorm = v.hidden
	}
	b.times(v.layers, func() { b.encoderLayer(layer) })
}

func moonTower(b *builder) {
	v := b.image()
	rms := b.text("norm_type") == "rmsnorm"
	b.patches(v.hidden, v.channels, v.patch, b.flag(true, "patch_embed_proj_bias"))
	b.matrix("pos_emb", Other, b.required("init_pos_emb_height")*b.required("init_pos_emb_width"), v.hidden, Replicated)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, rms: rms, inner: b.dimension("qkv_hidden_size")}
	layer.plainQKV = !b.flag(true, "attn_bias")
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.flag(true, "linear_bias")
	b.times(v.layers, func() { b.encoderLayer(layer) })
	b.layerNorm("final_layernorm", v.hidden, rms)
}
