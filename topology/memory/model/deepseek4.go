package model

// deepseek4 is DeepSeek V4: one latent key that is its own value, compressed along
// the sequence in most layers, several residual streams (hyper-connections), and
// routers of which the first look their experts up by token. Source: the tensor list
// of deepseek-ai/DeepSeek-V4-Flash and vLLM's deepseek_v4.py.
func deepseek4(b *builder) {
	s := style{correction: true}
	d := b.shape(&s)
	if b.quant.name == "fp8" { // and experts in four bits, which quantization_config does not say
		block := FP8Block(128, 128)
		block.ScaleBits = 8
		b.quant.rules = []rule{{format: MXFP4, experts: true}, {format: block}}
	}
	b.prefixes = []string{"layers.", "model.layers."}
	b.outer(&s, d)
	b.model.RotaryDim = b.rotary(d.headDim)
	moe := b.mixture(d)
	streams := b.required("hc_mult")
	ratios := b.ints("compress_ratios")
	if moe == nil || int64(len(ratios)) < d.layers {
		b.fail("n_routed_experts, compress_ratios", "missing or too short")
		return
	}
	moe.module = "ffn"
	b.streamHead(d, streams)
	layer := func(ratio int64, hashed bool) {
		b.norms(&s, d)
		b.compressedAttention(d, ratio)
		own := *moe
		if own.correction = !hashed; hashed {
			b.matrix("ffn.gate.tid2eid", Other, d.vocab, moe.active, Replicated).Format = Format{Bits: 64}
		}
		own.add(b, d)
		for range 2 {
			mixes := (2 + streams) * streams
			b.matrix("hc_fn", Other, mixes, streams*d.hidden, Replicated).Format = Bits32
			b.vector("hc_base", Other, mixes+3, Replicated).Format = Bits32
		}
	}
	hashed := b.count("num_hash_layers")
	b.eachLayer(d.layers, func(i int64) { layer(ratios[i], i < hashed) })
	b.model.DraftLayers = b.within(0, 16, []string{"num_nextn_predict_layers"})
	b.times(b.model.DraftLayers, func() {
		b.inside(Draft, func() {
			layer(0, false)
			b.linear("e_proj", Draft, d.hidden, d.hidden, Replicated)
			b.linear("h_proj", Draft, d.hidden, d.hidden, Replicated)
			b.vector("norms", Draft, 3*d.hidden, Replicated)
			b.streamHead(d, streams)
		})
	})
}

// streamHead joins the residual streams at the end.
func (b *builder) streamHead(d shape, streams int64) {
	b.matrix("hc_head_fn", Other, streams, streams*d.hidden, Replicated).Format = Bits32
	b.vector("hc_head_base", Other, streams+1, Replicated).Format = Bits32
}

// compressedAttention keeps a window of single tokens, and beyond it one vector for
// every ratio of them, which an indexer chooses from where the ratio is 4.
func (b *builder) compressedAttention(d shape, ratio int64) {
	low, groups, lowOut := b.required("q_lora_rank"), b.required("o_groups"), b.required("o_lora_rank")
	if groups == 0 || d.heads == 0 {
		return
	}
	b.linear("attn.wq_a", AttentionPart, low, d.hidden, Replicated)
	b.vector("attn.q_norm", Other, low, Replicated)
	b.linear("attn.wq_b", AttentionPart, d.heads*d.headDim, low, Rows)
	b.linear("attn.wkv", AttentionPart, d.headDim, d.hidden, Replicated)
	b.vector("attn.kv_norm", Other, d.headDim, Replicated)
	b.vector("attn.attn_sink", Other, d.heads, Rows).Format = Bits32
	b.linear("attn.wo_a", AttentionPart, groups*lowOut, d.heads*d.headDim/groups, Rows)
	b.linear("attn.wo_b", AttentionPart, d.hidden, groups*lowOut, Columns)
	b.caches(Cache{Attention: Sliding, KVHeads: 1, KeyDim: d.headDim, Window: b.required("sliding_window")})
	if ratio == 0 {
		return
	}
	cache := Cache{Attention: Latent, LatentDim: ceilDiv(d.headDim, ratio)}
	b.compressor("attn.compressor", d.hidden, d.headDim, ratio)
	if ratio == 4 {
		heads, dim := b.required("index_n_heads"), b.required("index_head_dim")
		b.linear("attn.indexer.wq_b", AttentionPart, heads*dim, low, Replicated)
		b.matrix("attn.indexer.weights_proj", AttentionPart, heads, d.hidden, Replicated)
		b.compressor("attn.indexer.compressor", d.hidden, dim, ratio)
		cache.IndexBytes = ceilDiv(dim+4*ceilDiv(dim, 128), ratio)
	}
	b.caches(cache)
}

// compressor joins ratio tokens into one; those of 4 overlap, which takes two halves.
func (b *builder) compressor(name string, hidden, width, ratio int64) {
	channels := width
	if ratio == 4 {
		channels *= 2
	}
	b.matrix(name+".ape", Other, ratio, channels, Replicated).Format = Bits32
	b.matrix(name+".wkv", AttentionPart, channels, hidden, Replicated)
	b.matrix(name+".wgate", AttentionPart, channels, hidden, Replicated)
	b.vector(name+".norm", Other, width, Replicated)
}
