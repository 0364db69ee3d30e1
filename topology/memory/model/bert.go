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
	relative func(b *modelBuilder, d attentionShape)
}

// encoderModel builds a text encoder.
func encoderModel(e textEncoder) func(*modelBuilder) { return e.buildModel }

func (e textEncoder) buildModel(b *modelBuilder) {
	b.setKind(EncoderKind)
	d := b.readShape(&decoderStyle{})
	if b.model.RotaryDim = 0; e.positions == nil {
		b.model.RotaryDim = d.headDim
	}
	narrow := d.hidden
	if own := b.readDimension("embedding_size"); own > 0 {
		narrow = own
	}
	b.addMatrix("embeddings.word_embeddings", EmbeddingPart, d.vocab, narrow, SplitVocabulary)
	if e.positions != nil {
		b.addMatrix("embeddings.position_embeddings", OtherPart, b.model.MaxPositions+*e.positions, narrow, SplitNone)
	}
	if types := b.readCount("type_vocab_size"); types > 0 && !e.noTypes {
		b.addMatrix("embeddings.token_type_embeddings", OtherPart, types, narrow, SplitNone)
	}
	b.layerNorm("embeddings.LayerNorm", narrow, e.noEmbeddingBias)
	if narrow != d.hidden {
		b.addBiased("embeddings_project", OtherPart, d.hidden, narrow, SplitNone)
	}
	if e.relative != nil {
		e.relative(b, d)
	}
	layer := e.layer
	layer.hidden, layer.inner, layer.ff = d.hidden, d.heads*d.headDim, d.ff
	add := func(int64) {
		b.encoderLayer(layer)
		b.addCache(Cache{Attention: NoCache})
	}
	if e.shared {
		b.encoderLayer(layer)
		b.eachLayer(d.layers, func(int64) { b.addCache(Cache{Attention: NoCache}) })
	} else {
		b.eachLayer(d.layers, add)
	}
	b.model.FeedForward = d.ff
	if e.finalNorm {
		b.layerNorm("final_norm", d.hidden, layer.rms)
	}
	if !e.noPooler {
		b.addBiased("pooler.dense", OtherPart, d.hidden, d.hidden, SplitNone)
	}
}

// distilBERT has half the layers, no token types and no pooler, and names of its own.
func distilBERT(b *modelBuilder) {
	b.configFields = b.withValuesOver(map[string]any{"ffn_dim": b.values["hidden_dim"]})
	encoderModel(textEncoder{positions: rowCount(0), noPooler: true, noTypes: true})(b)
}

// relativeHeads is MPNet's table of relative positions.
func relativeHeads(b *modelBuilder, d attentionShape) {
	b.addMatrix("encoder.relative_attention_bias", OtherPart, b.readRequired("relative_attention_num_buckets"), d.heads, SplitNone)
}
