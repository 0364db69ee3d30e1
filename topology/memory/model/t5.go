package model

// t5 has no biases, relative positions in the first layer of each half, and a gate
// where feed_forward_proj says so.
func t5(b *builder) {
	b.as(EncoderDecoder)
	hidden, heads, dim := b.required("d_model"), b.required("num_heads"), b.required("d_kv")
	layers, ff, vocab := b.layers("num_layers"), b.required("d_ff"), b.required("vocab_size")
	after := b.dimension("num_decoder_layers")
	if after == 0 {
		after = layers
	}
	buckets := b.required("relative_attention_num_buckets")
	gated := len(b.text("feed_forward_proj")) > 5 && b.text("feed_forward_proj")[:5] == "gated"
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.HeadDim, m.FeedForward = hidden, vocab, heads, dim, ff
	m.MaxPositions = b.length("n_positions")
	if m.Tied = b.flag(true, "tie_word_embeddings"); !m.Tied {
		b.linear("lm_head", Head, vocab, hidden, Vocabulary)
	}
	b.matrix("shared", Embedding, vocab, hidden, Vocabulary)
	b.times(2, func() {
		b.vector("final_layer_norm", Other, hidden, Replicated)
	})
	attention := func(name string) {
		for _, part := range []string{"q", "k", "v"} {
			b.linear(name+"."+part, AttentionPart, heads*dim, hidden, Rows)
		}
		b.linear(name+".o", AttentionPart, hidden, heads*dim, Columns)
		b.vector(name+".layer_norm", Other, hidden, Replicated)
	}
	positions := b.model.Type != "umt5"
	layer := func(i int64) {
		attention("SelfAttention")
		if i == 0 || !positions {
			b.matrix("SelfAttention.relative_attention_bias", Other, buckets, heads, Replicated)
		}
		b.feedForward("DenseReluDense", MLP, hidden, ff, gated, false)
		b.vector("DenseReluDense.layer_norm", Other, hidden, Replicated)
	}
	b.eachLayer(layers, func(i int64) {
		layer(i)
		b.caches(Cache{Attention: NoCache})
	})
	b.eachLayer(after, func(i int64) {
		layer(i)
		attention("EncDecAttention")
		// T5 states no length: a request's encoder makes as many vectors as it has tokens.
		b.selfAndCross(heads, dim, m.MaxPositions)
	})
}
