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
	b.as(Encoder)
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
