package model

// latentAttention adds multi-head latent attention, as DeepSeek V2 and V3 have it:
// keys and values are compressed into one vector per token, which all GPUs keep.
func (b *builder) latentAttention(d shape) {
	rank, rope := b.required("kv_lora_rank"), b.required("qk_rope_head_dim")
	nope, value := b.required("qk_nope_head_dim"), b.required("v_head_dim")
	b.model.HeadDim = nope + rope
	query := d.hidden
	if low := b.dimension("q_lora_rank"); low > 0 {
		b.linear("self_attn.q_a_proj", AttentionPart, low, d.hidden, Replicated)
		b.vector("self_attn.q_a_layernorm", Other, low, Replicated)
		b.linear("self_attn.q_b_proj", AttentionPart, d.heads*(nope+rope), low, Rows)
		query = low
	} else {
		b.linear("self_attn.q_proj", AttentionPart, d.heads*(nope+rope), d.hidden, Rows)
	}
	b.linear("self_attn.kv_a_proj_with_mqa", AttentionPart, rank+rope, d.hidden, Replicated)
	b.vector("self_attn.kv_a_layernorm", Other, rank, Replicated)
	b.linear("self_attn.kv_b_proj", AttentionPart, d.heads*(nope+value), rank, Rows)
	b.linear("self_attn.o_proj", AttentionPart, d.hidden, d.heads*value, Columns)
	if b.flag(false, "mla_use_output_gate") {
		b.linear("self_attn.g_proj", AttentionPart, d.heads*value, d.hidden, Rows)
	}
	cache := Cache{Attention: Latent, LatentDim: rank + rope}
	if heads, dim := b.dimension("index_n_heads"), b.dimension("index_head_dim"); heads > 0 && dim > 0 {
		// The sparse indexer of V3.2 keeps one FP8 key and a 32-bit scale per 128 numbers.
		b.linear("self_attn.indexer.wq_b", AttentionPart, heads*dim, query, Replicated)
		b.linear("self_attn.indexer.wk", AttentionPart, dim, d.hidden, Replicated)
		b.vector("self_attn.indexer.k_norm", Other, dim, Replicated)
		b.vector("self_attn.indexer.k_norm.bias", Other, dim, Replicated)
		b.matrix("self_attn.indexer.weights_proj", AttentionPart, heads, d.hidden, Replicated)
		cache.IndexBytes = dim + 4*ceilDiv(dim, 128)
	}
	b.caches(cache)
}

// expandedLatent is MiniCPM3's: engines cache its keys and values expanded, the
// values padded to the keys' width.
func expandedLatent(b *builder, _ *style, d shape, _ int64) bool {
	before := len(b.layer.Caches)
	b.latentAttention(d)
	width := b.required("qk_nope_head_dim") + b.required("qk_rope_head_dim")
	b.layer.Caches = append(b.layer.Caches[:before], Cache{Attention: Full, KVHeads: d.heads, KeyDim: width, ValueDim: width})
	return true
}
