package model

import "slices"

// mllamaText attends to images in the layers that cross_attention_layers lists, and
// has eight more rows in its embedding than in its head.
func mllamaText(b *modelBuilder) {
	s := decoderStyle{}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.addMatrix("embed_tokens.image", EmbeddingPart, 8, d.hidden, SplitNone)
	b.model.RotaryDim = b.rotaryWidth(d.headDim)
	across := b.readInts("cross_attention_layers")
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		if slices.Contains(across, layer) {
			own := s
			own.qkNorm = headQKNorm
			b.addProjections(&own, d)
			b.addVector("cross_attn_gates", OtherPart, 2, SplitNone)
			b.addCache(Cache{Attention: CrossAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim, Window: b.imageTokens()})
		} else {
			b.addAttention(&s, d, 0)
		}
		b.addMLP(&s, "mlp", d.hidden, d.ff)
	})
}

// imageTokens is how many vectors Mllama's tower makes of the largest image.
func (b *modelBuilder) imageTokens() int64 {
	vision := b.readObject("vision_config")
	if vision == nil {
		return 0
	}
	patch := vision.readRequired("patch_size")
	if patch == 0 {
		return 0
	}
	across := vision.readRequired("image_size") / patch
	return vision.readRequired("max_num_tiles") * (across*across + 1)
}

func mllamaProjector(b *modelBuilder, _, vision *configFields, hidden int64) {
	b.addBiased("multi_modal_projector", MLPPart, hidden, vision.readRequired("vision_output_dim"), SplitRows)
}

// mllamaTower has a table for every arrangement of tiles, and global layers with
// gates after its local ones.
func mllamaTower(b *modelBuilder) {
	v := b.readImage()
	tiles := b.readRequired("max_num_tiles")
	_, shapes := b.findKey([]string{"supported_aspect_ratios"})
	list, isList := shapes.([]any)
	if !isList {
		b.addError("supported_aspect_ratios", "missing, or not a list")
	}
	ratios := int64(len(list)) + 1
	b.addPatches(v.hidden, v.channels, v.patch, false)
	b.addVector("class_embedding", OtherPart, v.hidden, SplitNone)
	b.addVector("gates", OtherPart, 3, SplitNone)
	b.addMatrix("gated_positional_embedding", OtherPart, v.count+1, v.hidden, SplitNone)
	b.addMatrix("gated_positional_embedding.tile_embedding", OtherPart, ratios, tiles*(v.count+1)*v.hidden, SplitNone)
	b.repeatLayers(2, func() { b.addMatrix("tile_positional_embedding", OtherPart, ratios, tiles*v.hidden, SplitNone) })
	b.layerNorm("layernorm_pre", v.hidden, false)
	b.layerNorm("layernorm_post", v.hidden, false)
	layer := encoderLayer{hidden: v.hidden, ff: v.ff, plainQKV: true, plainOut: true}
	b.repeatLayers(v.layers, func() { b.encoderLayer(layer) })
	b.repeatLayers(b.readCount("num_global_layers"), func() {
		b.encoderLayer(layer)
		b.addVector("gates", OtherPart, 2, SplitNone)
	})
}
