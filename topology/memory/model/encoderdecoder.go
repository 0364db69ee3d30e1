package model

// Models that read with an encoder and write with a decoder, which looks at what was
// read once per layer. Sources: modeling_whisper.py, modeling_bart.py, modeling_t5.py.

// encoderDecoderShape are the two stacks of such a model.
type encoderDecoderShape struct {
	hidden, vocab                int64
	encoderLayers, decoderLayers int64
	heads, decoderHeads          int64
	ff, decoderFF                int64
	// source is how many vectors a request's encoder makes, target how long its
	// output may be.
	source, target int64
}

func (b *modelBuilder) readHalves() encoderDecoderShape {
	b.setKind(EncoderDecoder)
	h := encoderDecoderShape{
		hidden: b.readRequired("d_model"), vocab: b.readRequired("vocab_size"),
		encoderLayers: b.readLayerCount("encoder_layers"), decoderLayers: b.readLayerCount("decoder_layers"),
		heads: b.readRequired("encoder_attention_heads"), decoderHeads: b.readRequired("decoder_attention_heads"),
		ff: b.readRequired("encoder_ffn_dim"), decoderFF: b.readRequired("decoder_ffn_dim"),
	}
	h.source = b.readLength("max_source_positions", "max_position_embeddings")
	h.target = b.readLength("max_target_positions", "max_position_embeddings")
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.MaxPositions = h.hidden, h.vocab, h.decoderHeads, h.target
	m.FeedForward = max(h.ff, h.decoderFF)
	m.Tied = b.readFlag(true, "tie_word_embeddings")
	if h.heads == 0 || h.decoderHeads == 0 || h.hidden < h.heads || h.hidden < h.decoderHeads {
		b.addError("decoder_attention_heads", "%d heads do not fit into %d", h.decoderHeads, h.hidden)
		return h
	}
	m.HeadDim = h.hidden / h.decoderHeads
	return h
}

// addStacks adds the layers of both halves; layers are keyless in Whisper.
func (b *modelBuilder) addStacks(h encoderDecoderShape, keyless bool) {
	b.eachLayer(h.encoderLayers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: h.hidden, ff: h.ff, keyless: keyless})
		b.addCache(Cache{Attention: NoCache})
	})
	b.eachLayer(h.decoderLayers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: h.hidden, ff: h.decoderFF, keyless: keyless, norms: 3})
		for _, name := range []string{"q_proj", "k_proj", "v_proj"} {
			b.addDense("encoder_attn."+name, AttentionPart, h.hidden, h.hidden, SplitRows, !keyless || name != "k_proj")
		}
		b.addBiased("encoder_attn.out_proj", AttentionPart, h.hidden, h.hidden, SplitColumns)
		b.selfAndCross(h.decoderHeads, b.model.HeadDim, h.source)
	})
}

// selfAndCross are the caches of a decoder's layer.
func (b *modelBuilder) selfAndCross(heads, dim, source int64) {
	b.addCache(Cache{Attention: FullAttention, KVHeads: heads, KeyDim: dim, ValueDim: dim})
	b.addCache(Cache{Attention: CrossAttention, KVHeads: heads, KeyDim: dim, ValueDim: dim, Window: source})
}

// buildWhisper builds Whisper, which listens to a spectrogram through two convolutions.
func buildWhisper(b *modelBuilder) {
	h := b.readHalves()
	mels := b.readRequired("num_mel_bins")
	b.addMatrix("encoder.conv1", OtherPart, h.hidden, mels*3, SplitNone)
	b.addMatrix("encoder.conv2", OtherPart, h.hidden, h.hidden*3, SplitNone)
	b.addVector("encoder.conv.bias", OtherPart, 2*h.hidden, SplitNone)
	b.addMatrix("encoder.embed_positions", OtherPart, h.source, h.hidden, SplitNone)
	b.layerNorm("encoder.layer_norm", h.hidden, false)
	b.addMatrix("decoder.embed_tokens", EmbeddingPart, h.vocab, h.hidden, SplitVocabulary)
	b.addMatrix("decoder.embed_positions", OtherPart, h.target, h.hidden, SplitNone)
	b.layerNorm("decoder.layer_norm", h.hidden, false)
	b.addStacks(h, true)
}

// buildBart builds BART, which has one embedding for both halves and learned positions, two rows more than
// its length; M2M-100 computes them, and has a norm at the end of each half.
func buildBart(learned bool) func(*modelBuilder) {
	return func(b *modelBuilder) {
		h := b.readHalves()
		b.addMatrix("shared", EmbeddingPart, h.vocab, h.hidden, SplitVocabulary)
		if learned {
			b.repeatLayers(2, func() {
				b.addMatrix("embed_positions", OtherPart, h.target+2, h.hidden, SplitNone)
				b.layerNorm("layernorm_embedding", h.hidden, false)
			})
		}
		if !learned || b.readFlag(false, "add_final_layer_norm") || b.model.Type == "mbart" {
			b.repeatLayers(2, func() { b.layerNorm("layer_norm", h.hidden, false) })
		}
		b.addStacks(h, false)
	}
}
