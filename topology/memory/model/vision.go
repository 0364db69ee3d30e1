package model

import "strings"

// Vision towers, by the model_type of their vision_config. Sources: the modelling
// code of the same names in Transformers.
var visionTowers = map[string]func(*modelBuilder){
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

func siglipTower(b *modelBuilder) {
	v := b.readImage()
	b.addPatches(v.hidden, v.channels, v.patch, true)
	positions := v.count
	if stated := b.readDimension("num_patches"); stated > 0 {
		positions = stated
	}
	b.addMatrix("position_embedding", OtherPart, positions, v.hidden, SplitNone)
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	b.layerNorm("post_layernorm", v.hidden, false)
	if b.readFlag(b.isPooled(), "vision_use_head") {
		b.addVector("head.probe", OtherPart, v.hidden, SplitNone)
		b.addBiased("head.attention.in_proj", AttentionPart, 3*v.hidden, v.hidden, SplitRows)
		b.addBiased("head.attention.out_proj", AttentionPart, v.hidden, v.hidden, SplitColumns)
		b.layerNorm("head.layernorm", v.hidden, false)
		b.feedForward("head.mlp", MLPPart, v.hidden, v.ff, false, true)
	}
}

// isPooled is whether a tower ends in one vector rather than in one per patch: it does
// in models that compare images with text.
func (b *modelBuilder) isPooled() bool { return b.model.Kind != DecoderKind }

func clipTower(b *modelBuilder) {
	v := b.readImage()
	b.addVector("class_embedding", OtherPart, v.hidden, SplitNone)
	b.addPatches(v.hidden, v.channels, v.patch, false)
	b.addMatrix("position_embedding", OtherPart, v.count+1, v.hidden, SplitNone)
	b.layerNorm("pre_layrnorm", v.hidden, false)
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	b.layerNorm("post_layernorm", v.hidden, false)
}

func pixtralTower(b *modelBuilder) {
	v := b.readImage()
	b.addPatches(v.hidden, v.channels, v.patch, false)
	b.layerNorm("ln_pre", v.hidden, true)
	b.repeatLayers(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, rms: true, gated: true, plainQKV: true, plainOut: true, plainMLP: true})
	})
}

func internTower(b *modelBuilder) {
	v := b.readImage()
	b.addVector("class_embedding", OtherPart, v.hidden, SplitNone)
	b.addPatches(v.hidden, v.channels, v.patch, true)
	b.addMatrix("position_embedding", OtherPart, v.count+1, v.hidden, SplitNone)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, scaled: true}
	layer.plainQKV = !b.readFlag(false, "qkv_bias", "attention_bias")
	layer.rms = b.readText("norm_type") == "rms_norm"
	if b.readFlag(false, "qk_normalization", "use_qk_norm") {
		layer.qkNorm = v.hidden
	}
	b.repeatLayers(v.layers, func() { b.encoderLayer(layer) })
}

func moonTower(b *modelBuilder) {
	v := b.readImage()
	rms := b.readText("norm_type") == "rmsnorm"
	b.addPatches(v.hidden, v.channels, v.patch, b.readFlag(true, "patch_embed_proj_bias"))
	b.addMatrix("pos_emb", OtherPart, b.readRequired("init_pos_emb_height")*b.readRequired("init_pos_emb_width"), v.hidden, SplitNone)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, rms: rms, inner: b.readDimension("qkv_hidden_size")}
	layer.plainQKV = !b.readFlag(true, "attn_bias")
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.readFlag(true, "linear_bias")
	b.repeatLayers(v.layers, func() { b.encoderLayer(layer) })
	b.layerNorm("final_layernorm", v.hidden, rms)
}

// towerSuffixes end a model_type that names a part of a model.
var towerSuffixes = []string{"", "_vision", "_vision_model", "_vision_encoder"}

// findTower is a tower by its model_type, and the name that it has here. What Transformers calls by
// the name of the whole model in one release it may call by that of the part in the next: "qwen3_5" became
// "qwen3_5_vision".
func findTower(kind string) (string, func(*modelBuilder)) {
	if tower := visionTowers[kind]; tower != nil {
		return kind, tower
	}
	for _, suffix := range towerSuffixes[1:] {
		kind = strings.TrimSuffix(kind, suffix)
	}
	for _, suffix := range towerSuffixes {
		if tower := visionTowers[kind+suffix]; tower != nil {
			return kind + suffix, tower
		}
	}
	return "", nil
}
