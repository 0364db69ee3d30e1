package model

// style is in what a family of decoder-only models differs from Llama: RMS norms,
// rotary positions, separate q, k, v and o without bias, a gated feed-forward layer
// of three matrices.
type style struct {
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
	pattern func(b *builder, layer int64) bool
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
	mixer func(b *builder, s *style, d shape, layer int64) bool
	// extra adds what a layer has beside the usual.
	extra func(b *builder, d shape, layer int64)
	// draft are the draft layers of families that have their own kind.
	draft draftKind
}

type qkNorm int8

const (
	noQKNorm qkNorm = iota
	headQKNorm
	fullQKNorm
)

// decoder builds a decoder-only model of the given style.
func decoder(s style) func(*builder) { return s.build }

func (s style) build(b *builder) {
	d := b.shape(&s)
	b.outer(&s, d)
	if s.positions == nil && !s.noRotary && !b.flag(false, "alibi") {
		b.model.RotaryDim = b.rotary(d.headDim)
	}
	moe := b.mixture(d)
	if moe != nil {
		moe.correction = moe.correction || s.correction
		moe.router = s.router
	}
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		if s.mixer == nil || !s.mixer(b, &s, d, layer) {
			b.attend(&s, d, b.window(&s, layer))
		}
		if moe != nil && moe.at(layer) {
			moe.add(b, d)
		} else {
			b.mlp(&s, "mlp", d.hidden, b.denseWidth(d, layer))
		}
		if s.extra != nil {
			s.extra(b, d, layer)
		}
	})
	b.draftLayers(&s, d, moe)
}

// denseWidth is the width of a feed-forward layer that is not a mixture.
func (b *builder) denseWidth(d shape, layer int64) int64 {
	if width := b.dimension("intermediate_size_mlp"); width > 0 {
		return width
	}
	if width := b.at(layer, widthKeys...); width > 0 {
		return width
	}
	return d.ff
}

func (b *builder) outer(s *style, d shape) {
	if s.narrow > 0 {
		b.matrix("embed_tokens", Embedding, d.vocab, s.narrow, Vocabulary)
		b.matrix("project_in", Other, d.hidden, s.narrow, Replicated)
		b.matrix("project_out", Other, s.narrow, d.hidden, Replicated)
	} else {
		b.matrix("embed_tokens", Embedding, d.vocab, d.hidden, Vocabulary)
	}
	if s.positions != nil {
		b.matrix("embed_positions", Other, b.model.MaxPositions+*s.positions, d.hidden, Replicated)
	}
	if s.embeddingNorm {
		b.norm(s, "embed_norm", d.hidden)
	}
	if !s.noFinalNorm {
		b.norm(s, "norm", d.hidden)
	}
	b.head(s, d)
}

func (b *builder) head(s *style, d shape) {
	b.model.Tied = b.flag(s.tied, "tie_word_embeddings", "tie_embedding")
	if !b.model.Tied {
		b.linear("lm_head", Head, d.vocab, d.hidden, Vocabulary)
	}
	if b.flag(s.headBias, "lm_head_bias") {
		b.vector("lm_head.bias", Head, d.vocab, Vocabulary)
	}
}

func (b *builder) norm(s *style, name string, width int64) {
	if s.noNorms {
		return
	}
	b.vector(name, Other, width, Replicated)
	if s.normBias {
		b.vector(name+".bias", Other, width, Replicated)
	}
}

func (b *builder) norms(s *style, d shape) {
	count := s.norms
	if count == 0 {
		count = 2
	}
	for range count {
		b.norm(s, "layernorm", d.hidden)
	}
}

// mlp adds a dense feed-forward layer of the given width under name.
func (b *builder) mlp(s *style, name string, hidden, width int64) {
	if width == 0 {
		b.fail("intermediate_size", "missing")
		return
	}
	if b.part == nil {
		b.model.FeedForward = max(b.model.FeedForward, width)
	}
	bias := b.flag(b.flag(s.mlpBias, "bias", "use_bias"), "mlp_bias")
	b.feedForward(name, MLP, hidden, width, !s.plainMLP, bias)
}

func (b *builder) feedForward(name string, part Part, hidden, width int64, gated, bias bool) {
	add := func(name string, rows, columns int64, split Split) {
		if bias {
			b.biased(name, part, rows, columns, split)
			return
		}
		b.linear(name, part, rows, columns, split)
	}
	if gated {
		add(name+".gate_proj", width, hidden, Rows)
	}
	add(name+".up_proj", width, hidden, Rows)
	add(name+".down_proj", hidden, width, Columns)
}
