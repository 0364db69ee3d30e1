package model

// modernBERT is gated and without biases, its first layer is without a norm, and two
// of three layers look at their neighbourhood only, which takes no memory here.
func modernBERT(b *modelBuilder) {
	b.setKind(EncoderKind)
	d := b.readShape(&decoderStyle{})
	b.model.RotaryDim, b.model.FeedForward = d.headDim, d.ff
	rms := !b.readFlag(false, "norm_bias")
	b.addMatrix("embeddings.tok_embeddings", EmbeddingPart, d.vocab, d.hidden, SplitVocabulary)
	b.layerNorm("embeddings.norm", d.hidden, rms)
	layer := encoderLayer{hidden: d.hidden, ff: d.ff, gated: true, rms: rms}
	layer.plainQKV = !b.readFlag(false, "attention_bias")
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.readFlag(false, "mlp_bias")
	b.eachLayer(d.layers, func(i int64) {
		own := layer
		if i == 0 {
			own.norms = 1
		}
		b.encoderLayer(own)
		b.addCache(Cache{Attention: NoCache})
	})
	b.layerNorm("final_norm", d.hidden, rms)
	b.addDense("head.dense", OtherPart, d.hidden, d.hidden, SplitNone, b.readFlag(false, "classifier_bias"))
	b.layerNorm("head.norm", d.hidden, rms)
	if b.readFlag(true, "decoder_bias") {
		b.addVector("decoder.bias", HeadPart, d.vocab, SplitVocabulary)
	}
}

// nomicBERT is gated and rotary, with biases where config.json asks for them.
func nomicBERT(b *modelBuilder) {
	gated := b.readText("activation_function") == "swiglu"
	layer := encoderLayer{gated: gated, plainQKV: !b.readFlag(true, "qkv_proj_bias")}
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.readFlag(true, "mlp_fc1_bias")
	encoderModel(textEncoder{layer: layer, noPooler: true})(b)
}

// buildGTE builds Alibaba's "new" encoder.
func buildGTE(b *modelBuilder) {
	e := textEncoder{noPooler: true, layer: encoderLayer{gated: true}}
	e.layer.plainMLP = true
	if b.readText("position_embedding_type") != "rope" {
		e.positions = rowCount(0)
	}
	encoderModel(e)(b)
}
