package model

// State-space layers. Sources: modeling_mamba.py, modeling_mamba2.py and those of
// the hybrids; state shapes as in vLLM's MambaStateShapeCalculator.

// mamba1Layer is the shape of a layer of the first Mamba.
type mamba1Layer struct {
	inner, state, kernel, rank int64
	convBias, bias             bool
	// normed are norms of the three projections, as in Jamba.
	normed bool
}

func (m mamba1Layer) addTo(b *modelBuilder, hidden int64) {
	b.addDense("mixer.in_proj", AttentionPart, 2*m.inner, hidden, SplitRows, m.bias)
	b.addMatrix("mixer.conv1d", OtherPart, m.inner, m.kernel, SplitRows)
	if m.convBias {
		b.addVector("mixer.conv1d.bias", OtherPart, m.inner, SplitRows)
	}
	b.addLinear("mixer.x_proj", AttentionPart, m.rank+2*m.state, m.inner, SplitColumns)
	b.addBiased("mixer.dt_proj", AttentionPart, m.inner, m.rank, SplitRows)
	b.addMatrix("mixer.A_log", OtherPart, m.inner, m.state, SplitRows)
	b.addVector("mixer.D", OtherPart, m.inner, SplitRows)
	b.addDense("mixer.out_proj", AttentionPart, hidden, m.inner, SplitColumns, m.bias)
	if m.normed {
		b.addVector("mixer.dt_layernorm", OtherPart, m.rank, SplitNone)
		b.addVector("mixer.bc_layernorm", OtherPart, 2*m.state, SplitNone)
	}
	b.addCache(Cache{Attention: RecurrentState, StateBits: b.stateBits(), ConvElements: m.inner * (m.kernel - 1),
		ConvChannels: m.inner, StateElements: m.inner * m.state})
}

// mamba2Layer is the shape of a layer of the second.
type mamba2Layer struct {
	inner, heads, headDim, groups, state, kernel int64
	convBias, bias                               bool
	// plain has no norm before its output.
	plain bool
}

func (m mamba2Layer) addTo(b *modelBuilder, hidden int64) {
	conv := m.inner + 2*m.groups*m.state
	b.addDense("mixer.in_proj", AttentionPart, m.inner+conv+m.heads, hidden, SplitRows, m.bias)
	b.addMatrix("mixer.conv1d", OtherPart, conv, m.kernel, SplitRows)
	if m.convBias {
		b.addVector("mixer.conv1d.bias", OtherPart, conv, SplitRows)
	}
	b.addVector("mixer.heads", OtherPart, 3*m.heads, SplitRows) // dt_bias, A_log, D
	if !m.plain {
		b.addVector("mixer.norm", OtherPart, m.inner, SplitRows)
	}
	b.addDense("mixer.out_proj", AttentionPart, hidden, m.inner, SplitColumns, m.bias)
	b.addCache(Cache{
		Attention: RecurrentState, StateBits: b.stateBits(),
		ConvElements: conv * (m.kernel - 1), ConvChannels: conv, StateElements: m.heads * m.headDim * m.state,
	})
}

// readMamba2 reads one, under the names that hybrids use.
func (b *modelBuilder) readMamba2(d attentionShape) mamba2Layer {
	m := mamba2Layer{
		inner:    b.readDimension("mamba_d_ssm"),
		heads:    b.readRequired("mamba_n_heads", "mamba_num_heads", "num_heads", "n_mamba_heads"),
		headDim:  b.readCount("mamba_d_head", "mamba_head_dim", "mamba_headdim"),
		groups:   b.readRequired("mamba_n_groups", "n_groups", "mamba_ngroups"),
		state:    b.readRequired("mamba_d_state", "ssm_state_size", "state_size"),
		kernel:   b.readRequired("mamba_d_conv", "conv_kernel"),
		convBias: b.readFlag(true, "mamba_conv_bias", "use_conv_bias"),
		bias:     b.readFlag(false, "mamba_proj_bias"),
	}
	if m.headDim == 0 && m.heads > 0 { // "auto"
		m.headDim = d.hidden * max(1, b.readDimension("mamba_expand")) / m.heads
	}
	if m.inner == 0 {
		m.inner = m.heads * m.headDim
	}
	return m
}

// pureMamba has nothing but state-space layers.
func pureMamba(layer func(b *modelBuilder, hidden int64)) func(*modelBuilder) {
	return func(b *modelBuilder) {
		s := decoderStyle{tied: true}
		d := attentionShape{
			hidden: b.readRequired(hiddenKeys...), layers: b.readLayerCount(layerKeys...), vocab: b.readRequired("vocab_size"),
		}
		b.model.Hidden, b.model.Vocabulary, b.model.Heads, b.model.HeadDim = d.hidden, d.vocab, 1, 1
		b.model.FeedForward = b.innerWidth(d.hidden)
		b.addOuterTensors(&s, d)
		b.eachLayer(d.layers, func(int64) {
			b.addNorm(&s, "norm", d.hidden)
			layer(b, d.hidden)
		})
	}
}

// innerWidth is how wide a state-space layer is.
func (b *modelBuilder) innerWidth(hidden int64) int64 {
	if width := b.readDimension("intermediate_size", "d_inner"); width > 0 {
		return width
	}
	return hidden * max(1, b.readDimension("expand", "mamba_expand"))
}

func pureMamba1(b *modelBuilder, hidden int64) {
	m := mamba1Layer{
		inner: b.innerWidth(hidden), state: b.readRequired("state_size", "d_state"), kernel: b.readRequired("conv_kernel", "d_conv"),
		convBias: b.readFlag(true, "use_conv_bias"), bias: b.readFlag(false, "use_bias"),
	}
	m.rank = b.readRank(hidden, "time_step_rank")
	m.addTo(b, hidden)
}

// readRank reads the rank of the step size, a sixteenth of the width if "auto".
func (b *modelBuilder) readRank(hidden int64, key string) int64 {
	if auto, _ := b.values[key].(string); auto == "auto" || !b.hasKey(key) {
		return ceilDiv(hidden, 16)
	}
	return b.readDimension(key)
}

func pureMamba2(b *modelBuilder, hidden int64) {
	m := mamba2Layer{
		heads: b.readRequired("num_heads"), headDim: b.readRequired("head_dim"),
		groups: b.readRequired("n_groups"), state: b.readRequired("state_size"), kernel: b.readRequired("conv_kernel"),
		convBias: b.readFlag(true, "use_conv_bias"), bias: b.readFlag(false, "use_bias"),
	}
	m.inner = m.heads * m.headDim
	m.addTo(b, hidden)
}
