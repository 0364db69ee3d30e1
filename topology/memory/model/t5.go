package model

// buildT5 builds T5, which has no biases, relative positions in the first layer of each half, and a gate
// where feed_forward_proj says so.
func buildT5(b *modelBuilder) {
	b.setKind(EncoderDecoder)
	hidden, heads, dim := b.readRequired("d_model"), b.readRequired("num_heads"), b.readRequired("d_kv")
	layers, ff, vocab := b.readLayerCount("num_layers"), b.readRequired("d_ff"), b.readRequired("vocab_size")
	after := b.readDimension("num_decoder_layers")
	if after == 0 {
		after = layers
	}
	buckets := b.readRequired("relative_attention_num_buckets")
	gated := len(b.readText("feed_forward_proj")) > 5 && b.readText("feed_forward_proj")[:5] == "gated"
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.HeadDim, m.FeedForward = hidden, vocab, heads, dim, ff
	m.MaxPositions = b.readLength("n_positions")
	if m.Tied = b.readFlag(true, "tie_word_embeddings"); !m.Tied {
		b.addLinear("lm_head", HeadPart, vocab, hidden, SplitVocabulary)
	}
	b.addMatrix("shared", EmbeddingPart, vocab, hidden, SplitVocabulary)
	b.repeatLayers(2, func() {
		b.addVector("final_layer_norm", OtherPart, hidden, SplitNone)
	})
	attention := func(name string) {
		for _, part := range []string{"q", "k", "v"} {
			b.addLinear(name+"."+part, AttentionPart, heads*dim, hidden, SplitRows)
		}
		b.addLinear(name+".o", AttentionPart, hidden, heads*dim, SplitColumns)
		b.addVector(name+".layer_norm", OtherPart, hidden, SplitNone)
	}
	positions := b.model.Type != "umt5"
	layer := func(i int64) {
		attention("SelfAttention")
		if i == 0 || !positions {
			b.addMatrix("SelfAttention.relative_attention_bias", OtherPart, buckets, heads, SplitNone)
		}
		b.feedForward("DenseReluDense", MLPPart, hidden, ff, gated, false)
		b.addVector("DenseReluDense.layer_norm", OtherPart, hidden, SplitNone)
	}
	b.eachLayer(layers, func(i int64) {
		layer(i)
		b.addCache(Cache{Attention: NoCache})
	})
	b.eachLayer(after, func(i int64) {
		layer(i)
		attention("EncDecAttention")
		// T5 states no length: a request's encoder makes as many vectors as it has tokens.
		b.selfAndCross(heads, dim, m.MaxPositions)
	})
}
