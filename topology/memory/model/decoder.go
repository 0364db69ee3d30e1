package model

import "strings"

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

// shape are the widths that every decoder states.
type shape struct {
	hidden, layers, heads, kvHeads, headDim, ff, vocab int64
}

// Names under which config.json states the same things.
var (
	hiddenKeys = []string{"hidden_size", "n_embd", "d_model", "dim", "model_dim"}
	layerKeys  = []string{"num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_transformer_layers"}
	headKeys   = []string{"num_attention_heads", "n_head", "n_heads", "num_heads"}
	kvKeys     = []string{"num_key_value_heads", "n_head_kv", "num_kv_heads", "multi_query_group_num", "n_kv_heads", "kv_n_heads"}
	widthKeys  = []string{"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim", "block_ff_dim"}
	lengthKeys = []string{"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "max_sequence_length", "model_max_length"}
	expertKeys = []string{"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"}
)

func (b *builder) shape(s *style) shape {
	d := shape{
		hidden: b.required(hiddenKeys...),
		layers: b.layers(layerKeys...),
		heads:  b.required(headKeys...),
		vocab:  b.required("padded_vocab_size", "vocab_size"),
		ff:     b.at(0, widthKeys...),
	}
	if d.heads == 0 {
		return d
	}
	if d.kvHeads = b.dimension(kvKeys...); d.kvHeads == 0 {
		d.kvHeads = d.heads
	}
	if d.headDim = b.dimension("head_dim", "attention_head_dim", "kv_channels"); d.headDim == 0 {
		d.headDim = d.hidden / d.heads
	}
	if d.headDim == 0 {
		b.fail("num_attention_heads", "%d heads do not fit into a hidden_size of %d", d.heads, d.hidden)
	}
	if d.heads%d.kvHeads != 0 {
		b.fail("num_key_value_heads", "%d does not divide num_attention_heads %d", d.kvHeads, d.heads)
	}
	if d.ff == 0 && s.feedForward != nil {
		d.ff = s.feedForward(d.hidden)
	}
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.HeadDim = d.hidden, d.vocab, d.heads, d.headDim
	m.MaxPositions = b.length(lengthKeys...)
	return d
}

// layers reads how many layers there are.
func (b *builder) layers(keys ...string) int64 {
	n := b.required(keys...)
	if n > maxLayers {
		b.fail(strings.Join(keys, " or "), "%d is more than %d", n, maxLayers)
		return 0
	}
	return n
}

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

// attend adds one layer's attention of either kind.
func (b *builder) attend(s *style, d shape, window int64) {
	if b.has("kv_lora_rank") {
		b.latentAttention(d)
		return
	}
	b.attention(s, d, window)
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

// rotary is the width of the rotary table.
func (b *builder) rotary(headDim int64) int64 {
	if dim := b.dimension("qk_rope_head_dim", "rotary_dim"); dim > 0 {
		return dim
	}
	f := b.fields
	if !f.has("partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") {
		if nested := b.object("rope_parameters"); nested != nil {
			f = nested
		}
	}
	return int64(f.share(1, "partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") * float64(headDim))
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

// windowKeys name how many tokens a sliding layer sees.
var windowKeys = []string{"sliding_window", "sliding_window_size", "window_size"}

// slides is how many tokens a sliding layer sees, in config.json's words; 0 if it
// does not say.
func (b *builder) slides() int64 { return b.within(0, maxLength, windowKeys) }

// window is the sliding window of a layer in tokens, 0 for full attention.
func (b *builder) window(s *style, layer int64) int64 {
	if name, stated := b.layerType(layer); stated {
		if !strings.Contains(name, "sliding") {
			return 0
		}
		window := b.slides()
		if window == 0 {
			b.fail("sliding_window", "missing, and layer_types has sliding layers")
		}
		return window
	}
	window := b.slides()
	if window == 0 || !b.flag(true, "use_sliding_window") {
		return 0
	}
	if s.pattern == nil || !s.pattern(b, layer) {
		return 0
	}
	return window
}

// layerType is what config.json calls a layer, if it names them.
func (b *builder) layerType(layer int64) (string, bool) {
	types := b.list("layer_types", "layers_block_type")
	if len(types) == 0 {
		return "", false
	}
	if int64(len(types)) <= layer {
		b.fail("layer_types", "has %d entries, and layer %d needs one", len(types), layer)
		return "", false
	}
	return types[layer], true
}

// attention adds q, k, v and o, and what the layer caches.
func (b *builder) attention(s *style, d shape, window int64) {
	b.projections(s, d)
	cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
	if window > 0 {
		cache.Attention, cache.Window = Sliding, window
	}
	b.caches(cache)
}

func (b *builder) projections(s *style, d shape) {
	queries, keys := d.heads*d.headDim, d.kvHeads*d.headDim
	q := queries
	if s.gated {
		q *= 2
	}
	qkvBias := b.flag(b.flag(s.qkvBias, "attention_bias", "bias", "use_bias"), "qkv_bias", "use_qkv_bias", "add_qkv_bias")
	for _, p := range []struct {
		name string
		rows int64
		kind Split
	}{{"q", q, Rows}, {"k", keys, KVHeads}, {"v", keys, KVHeads}} {
		b.linear("self_attn."+p.name+"_proj", AttentionPart, p.rows, d.hidden, p.kind).Heads = d.kvHeads
		if qkvBias {
			b.vector("self_attn."+p.name+"_proj.bias", AttentionPart, p.rows, p.kind).Heads = d.kvHeads
		}
	}
	b.linear("self_attn.o_proj", AttentionPart, d.hidden, queries, Columns)
	if !s.plainOut && b.flag(s.outBias, "attention_out_bias", "attention_bias", "bias", "use_bias") {
		b.vector("self_attn.o_proj.bias", AttentionPart, d.hidden, Replicated)
	}
	b.headNorms(s, d)
	if s.sinks {
		b.vector("self_attn.sinks", AttentionPart, d.heads, Rows)
	}
}

func (b *builder) headNorms(s *style, d shape) {
	if s.qkNorm == noQKNorm || !b.flag(!s.qkNormAsked, "use_qk_norm", "qk_layernorm") {
		return
	}
	queries, keys := d.headDim, d.headDim
	if s.qkNorm == fullQKNorm {
		queries, keys = d.heads*d.headDim, d.kvHeads*d.headDim
	}
	b.vector("self_attn.q_norm", Other, queries, Replicated)
	b.vector("self_attn.k_norm", Other, keys, Replicated)
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
