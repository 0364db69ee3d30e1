package model

import "strings"

// llama4Text sees chunks in all layers but those without rotary positions, and has a
// shared expert in every mixture.
func llama4Text(b *builder) {
	b.fields = b.over(map[string]any{"n_shared_experts": one})
	rotary := b.ints("no_rope_layers")
	each := b.dimension("no_rope_layer_interval")
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
	decoder(style{mixer: func(b *builder, s *style, d shape, layer int64) bool {
		b.projections(s, d)
		cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
		if chunk := b.count("attention_chunk_size"); chunk > 0 && chunked(layer) {
			cache.Attention, cache.Window = Chunked, chunk
		}
		b.caches(cache)
		return true
	}})(b)
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
