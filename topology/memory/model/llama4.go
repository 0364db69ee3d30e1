package model

import "strings"

// llama4Text sees chunks in all layers but those without rotary positions, and has a
// shared expert in every mixture.
func llama4Text(b *modelBuilder) {
	b.configFields = b.withValuesOver(map[string]any{"n_shared_experts": jsonOne})
	rotary := b.readInts("no_rope_layers")
	each := b.readDimension("no_rope_layer_interval")
	if each == 0 {
		each = 4
	}
	chunked := func(layer int64) bool {
		if name, stated := b.layerType(layer); stated {
			return strings.HasPrefix(name, "chunked")
		}
		if int64(len(rotary)) > layer {
			return rotary[layer] != 0
		}
		return (layer+1)%each != 0
	}
	decoderModel(decoderStyle{mixer: func(b *modelBuilder, s *decoderStyle, d attentionShape, layer int64) bool {
		b.addProjections(s, d)
		cache := Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
		if chunk := b.readCount("attention_chunk_size"); chunk > 0 && chunked(layer) {
			cache.Attention, cache.Window = ChunkedAttention, chunk
		}
		b.addCache(cache)
		return true
	}})(b)
}

func llama4Tower(b *modelBuilder) {
	v := b.readImage()
	b.addPatches(v.hidden, v.channels, v.patch, false)
	b.addVector("class_embedding", OtherPart, v.hidden, SplitNone)
	b.addMatrix("positional_embedding_vlm", OtherPart, v.count+1, v.hidden, SplitNone)
	b.layerNorm("layernorm_pre", v.hidden, false)
	b.layerNorm("layernorm_post", v.hidden, false)
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	in, out := b.readRequired("projector_input_dim"), b.readRequired("projector_output_dim")
	b.addLinear("vision_adapter.mlp.fc1", MLPPart, in, v.ff, SplitRows)
	b.addLinear("vision_adapter.mlp.fc2", MLPPart, out, in, SplitColumns)
}
