package model

// miniMax3 is MiniMax M3's language model: an indexer in the layers whose attention
// is sparse. Its files hold none of the draft layers that config.json counts.
// Source: the tensor list of MiniMaxAI/MiniMax-M3.
func miniMax3(b *builder) {
	values := map[string]any{"num_nextn_predict_layers": nil, "intermediate_size_mlp": b.values["dense_intermediate_size"]}
	b.fields = b.over(values)
	s := style{qkNorm: headQKNorm, correction: true, router: Bits32}
	if sparse := b.object("sparse_attention_config"); sparse != nil && sparse.flag(true, "use_sparse_attention") {
		where := sparse.ints("sparse_attention_freq")
		heads, dim := sparse.required("sparse_num_index_heads"), sparse.required("sparse_index_dim")
		s.mixer = func(b *builder, s *style, d shape, layer int64) bool {
			if int64(len(where)) <= layer || where[layer] == 0 {
				return false
			}
			b.projections(s, d)
			b.linear("self_attn.index_q_proj", AttentionPart, heads*dim, d.hidden, Replicated)
			b.linear("self_attn.index_k_proj", AttentionPart, dim, d.hidden, Replicated)
			b.vector("self_attn.index_norms", Other, 2*dim, Replicated)
			b.caches(Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim, IndexBytes: 2 * dim})
			return true
		}
	}
	decoder(s)(b)
}

// miniMax3Tower is CLIP's with rotary positions, and patches of two frames.
func miniMax3Tower(b *builder) {
	v := b.image()
	frames := int64(1)
	if nested := b.object("img_token_compression_config"); nested != nil {
		frames = max(1, nested.within(1, maxPatch, []string{"temporal_patch_size"}))
	}
	b.patches(v.hidden, v.channels*frames, v.patch, false)
	b.layerNorm("pre_layrnorm", v.hidden, false)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
}

// miniMax3Projector projects, joins neighbours, and projects again.
func miniMax3Projector(b *builder, outer, vision *fields, hidden int64) {
	width := outer.required("projector_hidden_size")
	merge := int64(2)
	if nested := outer.object("img_token_compression_config"); nested != nil && nested.has("spatial_merge_size") {
		merge = nested.dimension("spatial_merge_size")
	}
	b.biased("multi_modal_projector.linear_1", MLP, width, vision.required("hidden_size"), Rows)
	b.biased("multi_modal_projector.linear_2", MLP, hidden, width, Columns)
	joined := hidden * merge * merge // hidden is no wider than maxDimension
	if joined > maxDimension {
		outer.fail("img_token_compression_config", "joins too much")
		return
	}
	b.biased("patch_merge_mlp.linear_1", MLP, width, joined, Rows)
	b.biased("patch_merge_mlp.linear_2", MLP, hidden, width, Columns)
}
