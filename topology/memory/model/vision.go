package model

// Vision towers, by the model_type of their vision_config. Sources: the modelling
// code of the same names in Transformers.
var towers = map[string]func(*builder){
	"siglip_vision_model":  siglipTower,
	"siglip2_vision_model": siglipTower,
	"idefics3_vision":      siglipTower,
	"smolvlm_vision":       siglipTower,
	"clip_vision_model":    clipTower,
	"pixtral":              pixtralTower,
	"llama4_vision_model":  llama4Tower,
	"mllama_vision_model":  mllamaTower,
	"intern_vit_6b":        internTower,
	"internvl_vision":      internTower,
	"moonvit":              moonTower,
	"qwen2_vl":             qwen2Tower,
	"qwen2_5_vl":           qwen25Tower,
	"qwen3_vl":             qwen3Tower,
	"qwen3_vl_moe":         qwen3Tower,
	"qwen3_5":              qwen3Tower,
	"qwen3_5_moe":          qwen3Tower,
	"gemma3n_vision":       mobileNetTower,
	"gemma4_vision":        gemma4Tower,
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

func llama4Tower(b *builder) {
	v := b.image()
	b.patches(v.hidden, v.channels, v.patch, false)
	b.vector("class_embedding", Other, v.hidden, Replicated)
	b.matrix("positional_embedding_vlm", Other, v.count+1, v.hidden, Replicated)
	b.layerNorm("layernorm_pre", v.hidden, false)
	b.layerNorm("layernorm_post", v.hidden, false)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	in, out := b.required("projector_input_dim"), b.required("projector_output_dim")
	b.linear("vision_adapter.mlp.fc1", MLP, in, v.ff, Rows)
	b.linear("vision_adapter.mlp.fc2", MLP, out, in, Columns)
}

// mllamaTower has a table for every arrangement of tiles, and global layers with
// gates after its local ones.
func mllamaTower(b *builder) {
	v := b.image()
	tiles := b.required("max_num_tiles")
	_, shapes := b.find([]string{"supported_aspect_ratios"})
	list, isList := shapes.([]any)
	if !isList {
		b.fail("supported_aspect_ratios", "missing, or not a list")
	}
	ratios := int64(len(list)) + 1
	b.patches(v.hidden, v.channels, v.patch, false)
	b.vector("class_embedding", Other, v.hidden, Replicated)
	b.vector("gates", Other, 3, Replicated)
	b.matrix("gated_positional_embedding", Other, v.count+1, v.hidden, Replicated)
	b.matrix("gated_positional_embedding.tile_embedding", Other, ratios, tiles*(v.count+1)*v.hidden, Replicated)
	b.times(2, func() { b.matrix("tile_positional_embedding", Other, ratios, tiles*v.hidden, Replicated) })
	b.layerNorm("layernorm_pre", v.hidden, false)
	b.layerNorm("layernorm_post", v.hidden, false)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, plainQKV: true, plainOut: true}
	b.times(v.layers, func() { b.encoderLayer(layer) })
	b.times(b.count("num_global_layers"), func() {
		b.encoderLayer(layer)
		b.vector("gates", Other, 2, Replicated)
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
	b.patches(v.hidden, v.channels, v.patch, true)
	b.matrix("pos_emb", Other, b.required("init_pos_emb_height")*b.required("init_pos_emb_width"), v.hidden, Replicated)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	b.layerNorm("final_layernorm", v.hidden, false)
}

// merged is the width of the vectors that Qwen's mergers join.
func (b *builder) merged(hidden int64) int64 {
	size := b.dimension("spatial_merge_size")
	if size == 0 {
		size = 2
	}
	return hidden * size * size
}

func (b *builder) frames() int64 { return max(1, b.side("temporal_patch_size")) }

// qwen2Tower calls its own width embed_dim, and hidden_size what it puts out.
func qwen2Tower(b *builder) {
	out := b.required("hidden_size")
	b.fields = b.over(map[string]any{"hidden_size": b.values["embed_dim"]})
	v := b.image()
	ratio := b.number(4, 64, "mlp_ratio")
	b.patches(v.hidden, v.channels*b.frames(), v.patch, false)
	b.times(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: int64(ratio * float64(v.hidden))})
	})
	b.layerNorm("merger.ln_q", v.hidden, false)
	b.merger(b.merged(v.hidden), out)
}

func (b *builder) merger(in, out int64) {
	b.biased("merger.mlp.0", MLP, in, in, Rows)
	b.biased("merger.mlp.2", MLP, out, in, Columns)
}

func qwen25Tower(b *builder) {
	v := b.image()
	b.patches(v.hidden, v.channels*b.frames(), v.patch, false)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, rms: true, gated: true}) })
	b.layerNorm("merger.ln_q", v.hidden, true)
	b.merger(b.merged(v.hidden), b.required("out_hidden_size"))
}

func qwen3Tower(b *builder) {
	v, out := b.image(), b.required("out_hidden_size")
	b.patches(v.hidden, v.channels*b.frames(), v.patch, true)
	b.matrix("pos_embed", Other, b.required("num_position_embeddings"), v.hidden, Replicated)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	joined := b.merged(v.hidden)
	b.layerNorm("merger.norm", v.hidden, false)
	b.merger(joined, out)
	b.times(int64(len(b.ints("deepstack_visual_indexes"))), func() {
		b.layerNorm("deepstack.norm", joined, false)
		b.merger(joined, out)
	})
}

// gemma4Tower has tables of positions in both directions, and clipped layers keep
// four bounds each.
func gemma4Tower(b *builder) {
	b.fields = b.over(map[string]any{"image_size": nil})
	v := b.image()
	dim := b.required("head_dim")
	b.patches(v.hidden, v.channels, v.patch, false)
	b.matrix("position_embedding_table", Other, 2*b.required("position_embedding_size"), v.hidden, Replicated)
	if b.flag(false, "standardize") {
		b.vector("std_bias", Other, v.hidden, Replicated)
		b.vector("std_scale", Other, v.hidden, Replicated)
	}
	clipped := b.flag(false, "use_clipped_linears")
	b.times(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, inner: v.heads * dim, ff: v.ff, rms: true, norms: 4, qkNorm: dim, gated: true, plainQKV: true, plainOut: true, plainMLP: true})
		if clipped {
			b.vector("bounds", Other, 4*7, Replicated)
		}
	})
}

// mobileNetTower is timm's network of the name that vision_config states, whose
// shapes are in timm and not in config.json.
func mobileNetTower(b *builder) {
	if name := b.text("architecture"); name != "mobilenetv5_300m_enc" {
		b.fail("architecture", "%q is not known", name)
	}
	b.vector("timm_model", Other, mobileNetV5, Replicated)
}

// mobileNetV5 is how many parameters timm's mobilenetv5_300m_enc has.
const mobileNetV5 = 294_284_096
