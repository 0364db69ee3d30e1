package model

import "slices"

// mllamaText attends to images in the layers that cross_attention_layers lists, and
// has eight more rows in its embedding than in its head.
func mllamaText(b *builder) {
	s := style{}
	d := b.shape(&s)
	b.outer(&s, d)
	b.matrix("embed_tokens.image", Embedding, 8, d.hidden, Replicated)
	b.model.RotaryDim = b.rotary(d.headDim)
	across := b.ints("cross_attention_layers")
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		if slices.Contains(across, layer) {
			own := s
			own.qkNorm = headQKNorm
			b.projections(&own, d)
			b.vector("cross_attn_gates", Other, 2, Replicated)
			b.caches(Cache{Attention: Cross, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim, Window: b.imageTokens()})
		} else {
			b.attention(&s, d, 0)
		}
		b.mlp(&s, "mlp", d.hidden, d.ff)
	})
}

// imageTokens is how many vectors Mllama's tower makes of the largest image.
func (b *builder) imageTokens() int64 {
	vision := b.object("vision_config")
	if vision == nil {
		return 0
	}
	patch := vision.required("patch_size")
	if patch == 0 {
		return 0
	}
	across := vision.required("image_size") / patch
	return vision.required("max_num_tiles") * (across*across + 1)
}

func mllamaProjector(b *builder, _, vision *fields, hidden int64) {
	b.biased("multi_modal_projector", MLP, hidden, vision.required("vision_output_dim"), Rows)
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
