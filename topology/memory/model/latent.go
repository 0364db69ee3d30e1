package model

// latentAttention adds multi-head latent attention, as DeepSeek V2 and V3 have it:
// keys and values are compressed into one vector per token, which all GPUs keep.
func (b *modelBuilder) latentAttention(d attentionShape) {
	rank, rope := b.readRequired("kv_lora_rank"), b.readRequired("qk_rope_head_dim")
	nope, value := b.readRequired("qk_nope_head_dim"), b.readRequired("v_head_dim")
	b.model.HeadDim = nope + rope
	query := d.hidden
	if low := b.readDimension("q_lora_rank"); low > 0 {
		b.addLinear("self_attn.q_a_proj", AttentionPart, low, d.hidden, SplitNone)
		b.addVector("self_attn.q_a_layernorm", OtherPart, low, SplitNone)
		b.addLinear("self_attn.q_b_proj", AttentionPart, d.heads*(nope+rope), low, SplitRows)
		query = low
	} else {
		b.addLinear("self_attn.q_proj", AttentionPart, d.heads*(nope+rope), d.hidden, SplitRows)
	}
	b.addLinear("self_attn.kv_a_proj_with_mqa", AttentionPart, rank+rope, d.hidden, SplitNone)
	b.addVector("self_attn.kv_a_layernorm", OtherPart, rank, SplitNone)
	b.addLinear("self_attn.kv_b_proj", AttentionPart, d.heads*(nope+value), rank, SplitRows)
	b.addLinear("self_attn.o_proj", AttentionPart, d.hidden, d.heads*value, SplitColumns)
	if b.readFlag(false, "mla_use_output_gate") {
		b.addLinear("self_attn.g_proj", AttentionPart, d.heads*value, d.hidden, SplitRows)
	}
	cache := Cache{Attention: LatentAttention, LatentDim: rank + rope}
	if heads, dim := b.readDimension("index_n_heads"), b.readDimension("index_head_dim"); heads > 0 && dim > 0 {
		// The sparse indexer of V3.2 keeps one FP8 key and a 32-bit scale per 128 numbers.
		b.addLinear("self_attn.indexer.wq_b", AttentionPart, heads*dim, query, SplitNone)
		b.addLinear("self_attn.indexer.wk", AttentionPart, dim, d.hidden, SplitNone)
		b.addVector("self_attn.indexer.k_norm", OtherPart, dim, SplitNone)
		b.addVector("self_attn.indexer.k_norm.bias", OtherPart, dim, SplitNone)
		b.addMatrix("self_attn.indexer.weights_proj", AttentionPart, heads, d.hidden, SplitNone)
		cache.IndexBytes = dim + 4*ceilDiv(dim, 128)
	}
	b.addCache(cache)
}

// expandedLatent is MiniCPM3's: engines cache its keys and values expanded, the
// values padded to the keys' width.
func expandedLatent(b *modelBuilder, _ *decoderStyle, d attentionShape, _ int64) bool {
	before := len(b.layer.Caches)
	b.latentAttention(d)
	width := b.readRequired("qk_nope_head_dim") + b.readRequired("qk_rope_head_dim")
	b.layer.Caches = append(b.layer.Caches[:before], Cache{Attention: FullAttention, KVHeads: d.heads, KeyDim: width, ValueDim: width})
	return true
}
