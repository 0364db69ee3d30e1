package model

// State-space layers. Sources: modeling_mamba.py, modeling_mamba2.py and those of
// the hybrids; state shapes as in vLLM's MambaStateShapeCalculator.

// mamba1 is the shape of a layer of the first Mamba.
type mamba1 struct {
	inner, state, kernel, rank int64
	convBias, bias             bool
	// normed are norms of the three projections, as in Jamba.
	normed bool
}

func (m mamba1) add(b *builder, hidden int64) {
	b.dense("mixer.in_proj", AttentionPart, 2*m.inner, hidden, Rows, m.bias)
	b.matrix("mixer.conv1d", Other, m.inner, m.kernel, Rows)
	if m.convBias {
		b.vector("mixer.conv1d.bias", Other, m.inner, Rows)
	}
	b.linear("mixer.x_proj", AttentionPart, m.rank+2*m.state, m.inner, Columns)
	b.biased("mixer.dt_proj", AttentionPart, m.inner, m.rank, Rows)
	b.matrix("mixer.A_log", Other, m.inner, m.state, Rows)
	b.vector("mixer.D", Other, m.inner, Rows)
	b.dense("mixer.out_proj", AttentionPart, hidden, m.inner, Columns, m.bias)
	if m.normed {
		b.vector("mixer.dt_layernorm", Other, m.rank, Replicated)
		b.vector("mixer.bc_layernorm", Other, 2*m.state, Replicated)
	}
	b.caches(Cache{Attention: State, StateBits: b.stateBits(), ConvElements: m.inner * (m.kernel - 1), StateElements: m.inner * m.state})
}

// mamba2 is the shape of a layer of the second.
type mamba2 struct {
	inner, heads, headDim, groups, state, kernel int64
	convBias, bias                               bool
	// plain has no norm before its output.
	plain bool
}

func (m mamba2) add(b *builder, hidden int64) {
	conv := m.inner + 2*m.groups*m.state
	b.dense("mixer.in_proj", AttentionPart, m.inner+conv+m.heads, hidden, Rows, m.bias)
	b.matrix("mixer.conv1d", Other, conv, m.kernel, Rows)
	if m.convBias {
		b.vector("mixer.conv1d.bias", Other, conv, Rows)
	}
	b.vector("mixer.heads", Other, 3*m.heads, Rows) // dt_bias, A_log, D
	if !m.plain {
		b.vector("mixer.norm", Other, m.inner, Rows)
	}
	b.dense("mixer.out_proj", AttentionPart, hidden, m.inner, Columns, m.bias)
	b.caches(Cache{
		Attention: State, StateBits: b.stateBits(),
		ConvElements: conv * (m.kernel - 1), StateElements: m.heads * m.headDim * m.state,
	})
}

// mamba2 reads one, under the names that hybrids use.
func (b *builder) mamba2(d shape) mamba2 {
	m := mamba2{
		inner:    b.dimension("mamba_d_ssm"),
		heads:    b.required("mamba_n_heads", "mamba_num_heads", "num_heads", "n_mamba_heads"),
		headDim:  b.count("mamba_d_head", "mamba_head_dim", "mamba_headdim"),
		groups:   b.required("mamba_n_groups", "n_groups", "mamba_ngroups"),
		state:    b.required("mamba_d_state", "ssm_state_size", "state_size"),
		kernel:   b.required("mamba_d_conv", "conv_kernel"),
		convBias: b.flag(true, "mamba_conv_bias", "use_conv_bias"),
		bias:     b.flag(false, "mamba_proj_bias"),
	}
	if m.headDim == 0 && m.heads > 0 { // "auto"
		m.headDim = d.hidden * max(1, b.dimension("mamba_expand")) / m.heads
	}
	if m.inner == 0 {
		m.inner = m.heads * m.headDim
	}
	return m
}

// pureMamba has nothing but state-space layers.
func pureMamba(layer func(b *builder, hidden int64)) func(*builder) {
	return func(b *builder) {
		s := style{tied: true}
		d := shape{
			hidden: b.required(hiddenKeys...), layers: b.layers(layerKeys...), vocab: b.required("vocab_size"),
		}
		b.model.Hidden, b.model.Vocabulary, b.model.Heads, b.model.HeadDim = d.hidden, d.vocab, 1, 1
		b.model.FeedForward = b.inner(d.hidden)
		b.outer(&s, d)
		b.eachLayer(d.layers, func(int64) {
			b.norm(&s, "norm", d.hidden)
			layer(b, d.hidden)
		})
	}
}

// inner is how wide a state-space layer is.
func (b *builder) inner(hidden int64) int64 {
	if width := b.dimension("intermediate_size", "d_inner"); width > 0 {
		return width
	}
	return hidden * max(1, b.dimension("expand", "mamba_expand"))
}

func pureMamba1(b *builder, hidden int64) {
	m := mamba1{
		inner: b.inner(hidden), state: b.required("state_size", "d_state"), kernel: b.required("conv_kernel", "d_conv"),
		convBias: b.flag(true, "use_conv_bias"), bias: b.flag(false, "use_bias"),
	}
	m.rank = b.rank(hidden, "time_step_rank")
	m.add(b, hidden)
}

// rank reads the rank of the step size, a sixteenth of the width if "auto".
func (b *builder) rank(hidden int64, key string) int64 {
	if auto, _ := b.values[key].(string); auto == "auto" || !b.has(key) {
		return ceilDiv(hidden, 16)
	}
	return b.dimension(key)
}

func pureMamba2(b *builder, hidden int64) {
	m := mamba2{
		heads: b.required("num_heads"), headDim: b.required("head_dim"),
		groups: b.required("n_groups"), state: b.required("state_size"), kernel: b.required("conv_kernel"),
		convBias: b.flag(true, "use_conv_bias"), bias: b.flag(false, "use_bias"),
	}
	m.inner = m.heads * m.headDim
	m.add(b, hidden)
}
