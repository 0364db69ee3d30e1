package model

// modernBERT is gated and without biases, its first layer is without a norm, and two
// of three layers look at their neighbourhood only, which takes no memory here.
func modernBERT(b *builder) {
	b.as(Encoder)
	d := b.shape(&style{})
	b.model.RotaryDim, b.model.FeedForward = d.headDim, d.ff
	rms := !b.flag(false, "norm_bias")
	b.matrix("embeddings.tok_embeddings", Embedding, d.vocab, d.hidden, Vocabulary)
	b.layerNorm("embeddings.norm", d.hidden, rms)
	layer := encoderLayer{hidden: d.hidden, ff: d.ff, gated: true, rms: rms}
	layer.plainQKV = !b.flag(false, "attention_bias")
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.flag(false, "mlp_bias")
	b.eachLayer(d.layers, func(i int64) {
		own := layer
		if i == 0 {
			own.norms = 1
		}
		b.encoderLayer(own)
		b.caches(Cache{Attention: NoCache})
	})
	b.layerNorm("final_norm", d.hidden, rms)
	b.dense("head.dense", Other, d.hidden, d.hidden, Replicated, b.flag(false, "classifier_bias"))
	b.layerNorm("head.norm", d.hidden, rms)
	if b.flag(true, "decoder_bias") {
		b.vector("decoder.bias", Head, d.vocab, Vocabulary)
	}
}

// nomicBERT is gated and rotary, with biases where config.json asks for them.
func nomicBERT(b *builder) {
	gated := b.text("activation_function") == "swiglu"
	layer := encoderLayer{gated: gated, plainQKV: !b.flag(true, "qkv_proj_bias")}
	layer.plainOut, layer.plainMLP = layer.plainQKV, !b.flag(true, "mlp_fc1_bias")
	encoder(textEncoder{layer: layer, noPooler: true})(b)
}

// gte is Alibaba's "new" encoder.
func gte(b *builder) {
	e := textEncoder{noPooler: true, layer: encoderLayer{gated: true}}
	e.layer.plainMLP = true
	if b.text("position_embedding_type") != "rope" {
		e.positions = rows(0)
	}
	encoder(e)(b)
}
