package model

// buildDeepSeek4 builds DeepSeek V4: one latent key that is its own value, compressed along
// the sequence in most layers, several residual streams (hyper-connections), and
// routers of which the first look their experts up by token. Source: the tensor list
// of deepseek-ai/DeepSeek-V4-Flash and vLLM's deepseek_v4.py.
func buildDeepSeek4(b *modelBuilder) {
	s := decoderStyle{correction: true}
	d := b.readShape(&s)
	if b.quant.name == "fp8" { // and experts in four bits, which quantization_config does not say
		block := FP8Block(128, 128)
		block.ScaleBits = 8
		b.quant.rules = []formatRule{{format: MXFP4, experts: true}, {format: block}}
	}
	b.prefixes = []string{"layers.", "model.layers."}
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = b.rotaryWidth(d.headDim)
	moe := b.readMixture(d)
	streams := b.readRequired("hc_mult")
	ratios := b.readInts("compress_ratios")
	if moe == nil || int64(len(ratios)) < d.layers {
		b.addError("n_routed_experts, compress_ratios", "missing or too short")
		return
	}
	moe.module = "ffn"
	b.streamHead(d, streams)
	layer := func(ratio int64, hashed bool) {
		b.addNorms(&s, d)
		b.compressedAttention(d, ratio)
		own := *moe
		if own.correction = !hashed; hashed {
			b.addMatrix("ffn.gate.tid2eid", OtherPart, d.vocab, moe.active, SplitNone).Format = Format{Bits: 64}
		}
		own.addTo(b, d)
		for range 2 {
			mixes := (2 + streams) * streams
			b.addMatrix("hc_fn", OtherPart, mixes, streams*d.hidden, SplitNone).Format = Bits32
			b.addVector("hc_base", OtherPart, mixes+3, SplitNone).Format = Bits32
		}
	}
	hashed := b.readCount("num_hash_layers")
	b.eachLayer(d.layers, func(i int64) { layer(ratios[i], i < hashed) })
	b.model.DraftLayers = b.readWithin(0, 16, []string{"num_nextn_predict_layers"})
	b.repeatLayers(b.model.DraftLayers, func() {
		b.insidePart(DraftPart, func() {
			layer(0, false)
			b.addLinear("e_proj", DraftPart, d.hidden, d.hidden, SplitNone)
			b.addLinear("h_proj", DraftPart, d.hidden, d.hidden, SplitNone)
			b.addVector("norms", DraftPart, 3*d.hidden, SplitNone)
			b.streamHead(d, streams)
		})
	})
}

// streamHead joins the residual streams at the end.
func (b *modelBuilder) streamHead(d attentionShape, streams int64) {
	b.addMatrix("hc_head_fn", OtherPart, streams, streams*d.hidden, SplitNone).Format = Bits32
	b.addVector("hc_head_base", OtherPart, streams+1, SplitNone).Format = Bits32
}

// compressedAttention keeps a window of single tokens, and beyond it one vector for
// every ratio of them, which an indexer chooses from where the ratio is 4.
func (b *modelBuilder) compressedAttention(d attentionShape, ratio int64) {
	low, groups, lowOut := b.readRequired("q_lora_rank"), b.readRequired("o_groups"), b.readRequired("o_lora_rank")
	if groups == 0 || d.heads == 0 {
		return
	}
	b.addLinear("attn.wq_a", AttentionPart, low, d.hidden, SplitNone)
	b.addVector("attn.q_norm", OtherPart, low, SplitNone)
	b.addLinear("attn.wq_b", AttentionPart, d.heads*d.headDim, low, SplitRows)
	b.addLinear("attn.wkv", AttentionPart, d.headDim, d.hidden, SplitNone)
	b.addVector("attn.kv_norm", OtherPart, d.headDim, SplitNone)
	b.addVector("attn.attn_sink", OtherPart, d.heads, SplitRows).Format = Bits32
	b.addLinear("attn.wo_a", AttentionPart, groups*lowOut, d.heads*d.headDim/groups, SplitRows)
	b.addLinear("attn.wo_b", AttentionPart, d.hidden, groups*lowOut, SplitColumns)
	b.addCache(Cache{Attention: SlidingAttention, KVHeads: 1, KeyDim: d.headDim, Window: b.readRequired("sliding_window")})
	if ratio == 0 {
		return
	}
	cache := Cache{Attention: LatentAttention, LatentDim: ceilDiv(d.headDim, ratio)}
	b.addCompressor("attn.compressor", d.hidden, d.headDim, ratio)
	if ratio == 4 {
		heads, dim := b.readRequired("index_n_heads"), b.readRequired("index_head_dim")
		b.addLinear("attn.indexer.wq_b", AttentionPart, heads*dim, low, SplitNone)
		b.addMatrix("attn.indexer.weights_proj", AttentionPart, heads, d.hidden, SplitNone)
		b.addCompressor("attn.indexer.compressor", d.hidden, dim, ratio)
		cache.IndexBytes = ceilDiv(dim+4*ceilDiv(dim, 128), ratio)
	}
	b.addCache(cache)
}

// addCompressor joins ratio tokens into one; those of 4 overlap, which takes two halves.
func (b *modelBuilder) addCompressor(name string, hidden, width, ratio int64) {
	channels := width
	if ratio == 4 {
		channels *= 2
	}
	b.addMatrix(name+".ape", OtherPart, ratio, channels, SplitNone).Format = Bits32
	b.addMatrix(name+".wkv", AttentionPart, channels, hidden, SplitNone)
	b.addMatrix(name+".wgate", AttentionPart, channels, hidden, SplitNone)
	b.addVector(name+".norm", OtherPart, width, SplitNone)
}
