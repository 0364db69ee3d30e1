package model

// decoderStyle is in what a family of decoder-only models differs from Llama: RMS norms,
// rotary positions, separate q, k, v and o without bias, a gated feed-forward layer
// of three matrices.
type decoderStyle struct {
	// bias of q, k and v, of o, and of the feed-forward layer, where config.json
	// does not say.
	qkvBias, outBias, mlpBias bool
	// plainOut is an o without bias whatever config.json says of the others.
	plainOut bool
	// plainMLP is two matrices, up and down, instead of three.
	plainMLP bool
	// qkNorm are norms of queries and keys, over each head or over all; where
	// qkNormAsked, only if config.json asks for them.
	qkNorm      qkNorm
	qkNormAsked bool
	// gated is a q of twice the width, of which half gates the output.
	gated bool
	// norms per layer of the hidden width, 2 if 0; normBias where they are layer norms.
	norms       int64
	normBias    bool
	noNorms     bool // norms without weights
	noFinalNorm bool
	// positions is a learned table with this many rows more than the model's length.
	positions *int64
	// noRotary is neither a learned table nor a rotary one: ALiBi, or no positions.
	noRotary bool
	// narrow is the width of an embedding that is projected to the hidden width.
	narrow int64
	// embeddingNorm follows the embedding.
	embeddingNorm bool
	// tied is whether the head is the embedding where config.json does not say.
	tied     bool
	headBias bool
	// pattern says which layers slide where config.json has no layer_types.
	pattern func(b *modelBuilder, layer int64) bool
	// feedForward is the width where config.json is silent, from hidden.
	feedForward func(hidden int64) int64
	// sinks adds a learned number per head.
	sinks bool
	// correction is a number per expert in the router, even where config.json does
	// not mention it.
	correction bool
	// router is how the router is stored where it differs from the rest.
	router Format
	// mixer takes attention's place in the layers for which it returns true.
	mixer func(b *modelBuilder, s *decoderStyle, d attentionShape, layer int64) bool
	// extra adds what a layer has beside the usual.
	extra func(b *modelBuilder, d attentionShape, layer int64)
	// draft are the draft layers of families that have their own kind.
	draft draftKind
}

type qkNorm int8

const (
	noQKNorm qkNorm = iota
	headQKNorm
	fullQKNorm
)

// decoderModel builds a decoder-only model of the given style.
func decoderModel(s decoderStyle) func(*modelBuilder) { return s.buildModel }

func (s decoderStyle) buildModel(b *modelBuilder) {
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	if s.positions == nil && !s.noRotary && !b.readFlag(false, "alibi") {
		b.model.RotaryDim = b.rotaryWidth(d.headDim)
	}
	moe := b.readMixture(d)
	if moe != nil {
		moe.correction = moe.correction || s.correction
		moe.router = s.router
	}
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		if s.mixer == nil || !s.mixer(b, &s, d, layer) {
			b.addSelfAttention(&s, d, b.layerWindow(&s, layer))
		}
		if moe != nil && moe.at(layer) {
			moe.addTo(b, d)
		} else {
			b.addMLP(&s, "mlp", d.hidden, b.denseWidth(d, layer))
		}
		if s.extra != nil {
			s.extra(b, d, layer)
		}
	})
	b.draftLayers(&s, d, moe)
}

// denseWidth is the width of a feed-forward layer that is not a mixture.
func (b *modelBuilder) denseWidth(d attentionShape, layer int64) int64 {
	if width := b.readDimension("intermediate_size_mlp"); width > 0 {
		return width
	}
	if width := b.valueAtLayer(layer, widthKeys...); width > 0 {
		return width
	}
	return d.ff
}

func (b *modelBuilder) addOuterTensors(s *decoderStyle, d attentionShape) {
	if s.narrow > 0 {
		b.addMatrix("embed_tokens", EmbeddingPart, d.vocab, s.narrow, SplitVocabulary)
		b.addMatrix("project_in", OtherPart, d.hidden, s.narrow, SplitNone)
		b.addMatrix("project_out", OtherPart, s.narrow, d.hidden, SplitNone)
	} else {
		b.addMatrix("embed_tokens", EmbeddingPart, d.vocab, d.hidden, SplitVocabulary)
	}
	if s.positions != nil {
		b.addMatrix("embed_positions", OtherPart, b.model.MaxPositions+*s.positions, d.hidden, SplitNone)
	}
	if s.embeddingNorm {
		b.addNorm(s, "embed_norm", d.hidden)
	}
	if !s.noFinalNorm {
		b.addNorm(s, "norm", d.hidden)
	}
	b.addHead(s, d)
}

func (b *modelBuilder) addHead(s *decoderStyle, d attentionShape) {
	b.model.Tied = b.readFlag(s.tied, "tie_word_embeddings", "tie_embedding")
	if !b.model.Tied {
		b.addLinear("lm_head", HeadPart, d.vocab, d.hidden, SplitVocabulary)
	}
	if b.readFlag(s.headBias, "lm_head_bias") {
		b.addVector("lm_head.bias", HeadPart, d.vocab, SplitVocabulary)
	}
}

func (b *modelBuilder) addNorm(s *decoderStyle, name string, width int64) {
	if s.noNorms {
		return
	}
	b.addVector(name, OtherPart, width, SplitNone)
	if s.normBias {
		b.addVector(name+".bias", OtherPart, width, SplitNone)
	}
}

func (b *modelBuilder) addNorms(s *decoderStyle, d attentionShape) {
	count := s.norms
	if count == 0 {
		count = 2
	}
	for range count {
		b.addNorm(s, "layernorm", d.hidden)
	}
}

// addMLP adds a dense feed-forward layer of the given width under name.
func (b *modelBuilder) addMLP(s *decoderStyle, name string, hidden, width int64) {
	if width == 0 {
		b.addError("intermediate_size", "missing")
		return
	}
	if b.part == nil {
		b.model.FeedForward = max(b.model.FeedForward, width)
	}
	bias := b.readFlag(b.readFlag(s.mlpBias, "bias", "use_bias"), "mlp_bias")
	b.feedForward(name, MLPPart, hidden, width, !s.plainMLP, bias)
}

func (b *modelBuilder) feedForward(name string, part Part, hidden, width int64, gated, bias bool) {
	add := func(name string, rows, columns int64, split Split) {
		if bias {
			b.addBiased(name, part, rows, columns, split)
			return
		}
		b.addLinear(name, part, rows, columns, split)
	}
	if gated {
		add(name+".gate_proj", width, hidden, SplitRows)
	}
	add(name+".up_proj", width, hidden, SplitRows)
	add(name+".down_proj", hidden, width, SplitColumns)
}
