package model

// Text encoders. Sources: modeling_<type>.py of the same names in Transformers. What
// is counted is the model with the head that architectures names: engines and
// pipelines that want embeddings leave it out, which is less than a hundredth.

// textEncoder is a family of encoders in what it differs from BERT.
type textEncoder struct {
	layer encoderLayer
	// positions is a learned table with this many rows more than its length; nil
	// without one.
	positions *int64
	// noTypes is without the table of token types.
	noTypes bool
	// noPooler is without the matrix on the first token.
	noPooler bool
	// noEmbeddingBias are embedding norms without bias.
	noEmbeddingBias bool
	// finalNorm follows the last layer.
	finalNorm bool
	// shared is one layer used many times.
	shared bool
	// relative is a table of relative positions, outside the layers.
	relative func(b *builder, d shape)
}

// encoder builds a text encoder.
func encoder(e textEncoder) func(*builder) { return e.build }

func (e textEncoder) build(b *builder) {
	b.model.Kind = Encoder
	d := b.shape(&style{})
	if b.model.RotaryDim = 0; e.positions == nil {
		b.model.RotaryDim = d.headDim
	}
	narrow := d.hidden
	if own := b.dimension("embedding_size"); own > 0 {
		narrow = own
	}
	b.matrix("embeddings.word_embeddings", Embedding, d.vocab, narrow, Vocabulary)
	if e.positions != nil {
		b.matrix("embeddings.position_embeddings", Other, b.model.MaxPositions+*e.positions, narrow, Replicated)
	}
	if types := b.count("type_vocab_size"); types > 0 && !e.noTypes {
		b.matrix("embeddings.token_type_embeddings", Other, types, narrow, Replicated)
	}
	b.layerNorm("embeddings.LayerNorm", narrow, e.noEmbeddingBias)
	if narrow != d.hidden {
		b.biased("embeddings_project", Other, d.hidden, narrow, Replicated)
	}
	if e.relative != nil {
		e.relative(b, d)
	}
	layer := e.layer
	layer.hidden, layer.inner, layer.ff = d.hidden, d.heads*d.headDim, d.ff
	add := func(int64) {
		b.encoderLayer(layer)
		b.caches(Cache{Attention: NoCache})
	}
	if e.shared {
		b.encoderLayer(layer)
		b.eachLayer(d.layers, func(int64) { b.caches(Cache{Attention: NoCache}) })
	} else {
		b.eachLayer(d.layers, add)
	}
	b.model.FeedForward = d.ff
	if e.finalNorm {
		b.layerNorm("final_norm", d.hidden, layer.rms)
	}
	if !e.noPooler {
		b.biased("pooler.dense", Other, d.hidden, d.hidden, Replicated)
	}
}

// distilBERT has half the layers, no token types and no pooler, and names of its own.
func distilBERT(b *builder) {
	b.fields = b.over(map[string]any{"ffn_dim": b.values["hidden_dim"]})
	encoder(textEncoder{positions: rows(0), noPooler: true, noTypes: true})(b)
}

// relativeHeads is MPNet's table of relative positions.
func relativeHeads(b *builder, d shape) {
	b.matrix("encoder.relative_attention_bias", Other, b.required("relative_attention_num_buckets"), d.heads, Replicated)
}

// deberta looks at relative positions of width hidden, with a norm where it is asked
// for, and a convolution in its largest models.
func deberta(b *builder) {
	e := textEncoder{noPooler: true, noTypes: true}
	if b.flag(true, "position_biased_input") {
		e.positions = rows(0)
	}
	e.relative = func(b *builder, d shape) {
		if !b.flag(false, "relative_attention") {
			return
		}
		buckets := b.model.MaxPositions
		if _, value := b.find([]string{"position_buckets"}); value != nil {
			if stated, _ := whole(value); stated > 0 {
				buckets = b.dimension("position_buckets")
			}
		}
		b.matrix("encoder.rel_embeddings", Other, 2*buckets, d.hidden, Replicated)
		if b.text("norm_rel_ebd") == "layer_norm" {
			b.layerNorm("encoder.LayerNorm", d.hidden, false)
		}
		if kernel := b.count("conv_kernel_size"); kernel > 0 {
			b.matrix("encoder.conv", Other, d.hidden, kernel*d.hidden, Replicated)
			b.vector("encoder.conv.bias", Other, d.hidden, Replicated)
			b.layerNorm("encoder.conv.LayerNorm", d.hidden, false)
		}
	}
	encoder(e)(b)
	b.model.RotaryDim = 0
}

// modernBERT is gated and without biases, its first layer is without a norm, and two
// of three layers look at their neighbourhood only, which takes no memory here.
func modernBERT(b *builder) {
	b.model.Kind = Encoder
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
