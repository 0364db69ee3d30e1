package model

// miniMax3 is MiniMax M3's language model: an indexer in the layers whose attention
// is sparse. Its files hold none of the draft layers that config.json counts.
// Source: the tensor list of MiniMaxAI/MiniMax-M3.
func miniMax3(b *modelBuilder) {
	values := map[string]any{"num_nextn_predict_layers": nil, "intermediate_size_mlp": b.values["dense_intermediate_size"]}
	b.configFields = b.withValuesOver(values)
	s := decoderStyle{qkNorm: headQKNorm, correction: true, router: Bits32}
	if sparse := b.readObject("sparse_attention_config"); sparse != nil && sparse.readFlag(true, "use_sparse_attention") {
		where := sparse.readInts("sparse_attention_freq")
		heads, dim := sparse.readRequired("sparse_num_index_heads"), sparse.readRequired("sparse_index_dim")
		s.mixer = func(b *modelBuilder, s *decoderStyle, d attentionShape, layer int64) bool {
			if int64(len(where)) <= layer || where[layer] == 0 {
				return false
			}
			b.addProjections(s, d)
			b.addLinear("self_attn.index_q_proj", AttentionPart, heads*dim, d.hidden, SplitNone)
			b.addLinear("self_attn.index_k_proj", AttentionPart, dim, d.hidden, SplitNone)
			b.addVector("self_attn.index_norms", OtherPart, 2*dim, SplitNone)
			b.addCache(Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim, IndexBytes: 2 * dim})
			return true
		}
	}
	decoderModel(s)(b)
}

// miniMax3Tower is CLIP's with rotary positions, and patches of two frames.
func miniMax3Tower(b *modelBuilder) {
	v := b.readImage()
	frames := int64(1)
	if nested := b.readObject("img_token_compression_config"); nested != nil {
		frames = max(1, nested.readWithin(1, maxPatch, []string{"temporal_patch_size"}))
	}
	b.addPatches(v.hidden, v.channels*frames, v.patch, false)
	b.layerNorm("pre_layrnorm", v.hidden, false)
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
}

// miniMax3Projector projects, joins neighbours, and projects again.
func miniMax3Projector(b *modelBuilder, outer, vision *configFields, hidden int64) {
	width := outer.readRequired("projector_hidden_size")
	merge := int64(2)
	if nested := outer.readObject("img_token_compression_config"); nested != nil && nested.hasKey("spatial_merge_size") {
		merge = nested.readDimension("spatial_merge_size")
	}
	b.addBiased("multi_modal_projector.linear_1", MLPPart, width, vision.readRequired("hidden_size"), SplitRows)
	b.addBiased("multi_modal_projector.linear_2", MLPPart, hidden, width, SplitColumns)
	joined := hidden * merge * merge // hidden is no wider than maxDimension
	if joined > maxDimension {
		outer.addError("img_token_compression_config", "joins too much")
		return
	}
	b.addBiased("patch_merge_mlp.linear_1", MLPPart, width, joined, SplitRows)
	b.addBiased("patch_merge_mlp.linear_2", MLPPart, hidden, width, SplitColumns)
}
