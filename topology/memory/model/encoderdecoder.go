package model

// Models that read with an encoder and write with a decoder, which looks at what was
// read once per layer. Sources: modeling_whisper.py, modeling_bart.py, modeling_t5.py.

// halves are the two stacks of such a model.
type halves struct {
	hidden, vocab                int64
	encoderLayers, decoderLayers int64
	heads, decoderHeads          int64
	ff, decoderFF                int64
	// source is how many vectors a request's encoder makes, target how long its
	// output may be.
	source, target int64
}

func (b *builder) halves() halves {
	b.as(EncoderDecoder)
	h := halves{
		hidden: b.required("d_model"), vocab: b.required("vocab_size"),
		encoderLayers: b.layers("encoder_layers"), decoderLayers: b.layers("decoder_layers"),
		heads: b.required("encoder_attention_heads"), decoderHeads: b.required("decoder_attention_heads"),
		ff: b.required("encoder_ffn_dim"), decoderFF: b.required("decoder_ffn_dim"),
	}
	h.source = b.length("max_source_positions", "max_position_embeddings")
	h.target = b.length("max_target_positions", "max_position_embeddings")
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.MaxPositions = h.hidden, h.vocab, h.decoderHeads, h.target
	m.FeedForward = max(h.ff, h.decoderFF)
	m.Tied = b.flag(true, "tie_word_embeddings")
	if h.heads == 0 || h.decoderHeads == 0 || h.hidden < h.heads || h.hidden < h.decoderHeads {
		b.fail("decoder_attention_heads", "%d heads do not fit into %d", h.decoderHeads, h.hidden)
		return h
	}
	m.HeadDim = h.hidden / h.decoderHeads
	return h
}

// stacks adds the layers of both halves; layers are keyless in Whisper.
func (b *builder) stacks(h halves, keyless bool) {
	b.eachLayer(h.encoderLayers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: h.hidden, ff: h.ff, keyless: keyless})
		b.caches(Cache{Attention: NoCache})
	})
	b.eachLayer(h.decoderLayers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: h.hidden, ff: h.decoderFF, keyless: keyless, norms: 3})
		for _, name := range []string{"q_proj", "k_proj", "v_proj"} {
			b.dense("encoder_attn."+name, AttentionPart, h.hidden, h.hidden, Rows, !keyless || name != "k_proj")
		}
		b.biased("encoder_attn.out_proj", AttentionPart, h.hidden, h.hidden, Columns)
		b.selfAndCross(h.decoderHeads, b.model.HeadDim, h.source)
	})
}

// selfAndCross are the caches of a decoder's layer.
func (b *builder) selfAndCross(heads, dim, source int64) {
	b.caches(Cache{Attention: Full, KVHeads: heads, KeyDim: dim, ValueDim: dim})
	b.caches(Cache{Attention: Cross, KVHeads: heads, KeyDim: dim, ValueDim: dim, Window: source})
}

// whisper listens to a spectrogram through two convolutions.
func whisper(b *builder) {
	h := b.halves()
	mels := b.required("num_mel_bins")
	b.matrix("encoder.conv1", Other, h.hidden, mels*3, Replicated)
	b.matrix("encoder.conv2", Other, h.hidden, h.hidden*3, Replicated)
	b.vector("encoder.conv.bias", Other, 2*h.hidden, Replicated)
	b.matrix("encoder.embed_positions", Other, h.source, h.hidden, Replicated)
	b.layerNorm("encoder.layer_norm", h.hidden, false)
	b.matrix("decoder.embed_tokens", Embedding, h.vocab, h.hidden, Vocabulary)
	b.matrix("decoder.embed_positions", Other, h.target, h.hidden, Replicated)
	b.layerNorm("decoder.layer_norm", h.hidden, false)
	b.stacks(h, true)
}

// bart has one embedding for both halves and learned positions, two rows more than
// its length; M2M-100 computes them, and has a norm at the end of each half.
func bart(learned bool) func(*builder) {
	return func(b *builder) {
		h := b.halves()
		b.matrix("shared", Embedding, h.vocab, h.hidden, Vocabulary)
		if learned {
			b.times(2, func() {
				b.matrix("embed_positions", Other, h.target+2, h.hidden, Replicated)
				b.layerNorm("layernorm_embedding", h.hidden, false)
			})
		}
		if !learned || b.flag(false, "add_final_layer_norm") || b.model.Type == "mbart" {
			b.times(2, func() { b.layerNorm("layer_norm", h.hidden, false) })
		}
		b.stacks(h, false)
	}
}
