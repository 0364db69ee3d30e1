package model

// kimiLinear has delta attention in all layers but those that full_attn_layers
// names, counting from 1.
var kimiLinear = style{correction: true, extra: residualAttention, mixer: func(b *builder, _ *style, d shape, layer int64) bool {
	linear := b.object("linear_attn_config")
	if linear == nil {
		b.fail("linear_attn_config", "missing")
		return true
	}
	for _, full := range linear.ints("full_attn_layers") {
		if full == layer+1 {
			return false
		}
	}
	b.kimiDelta(d, linear)
	return true
}}

func kimiLinearModel(b *builder) {
	decoder(kimiLinear)(b)
	if b.count("attn_res_block_size") > 0 {
		b.vector("output_attn_res", Other, 2*b.model.Hidden, Replicated)
	}
}

// residualAttention chooses from the residuals of earlier layers, where
// attn_res_block_size says so.
func residualAttention(b *builder, d shape, _ int64) {
	if b.count("attn_res_block_size") > 0 {
		b.vector("res_norms", Other, 4*d.hidden, Replicated)
	}
}

// kimiDelta adds Kimi's delta attention, which keeps its state in 32 bits.
func (b *builder) kimiDelta(d shape, linear *fields) {
	heads, dim := linear.required("num_heads"), linear.required("head_dim")
	kernel := linear.required("short_conv_kernel_size")
	width := heads * dim
	for _, name := range []string{"q", "k", "v"} {
		b.linear("self_attn."+name+"_proj", AttentionPart, width, d.hidden, Rows)
		b.matrix("self_attn."+name+"_conv1d", Other, width, kernel, Rows).Format = Bits32
	}
	b.vector("self_attn.A_log", Other, heads, Rows).Format = Bits32
	b.vector("self_attn.dt_bias", Other, width, Rows).Format = Bits32
	b.linear("self_attn.b_proj", AttentionPart, heads, d.hidden, Rows)
	b.linear("self_attn.f_a_proj", AttentionPart, dim, d.hidden, Replicated)
	b.linear("self_attn.f_b_proj", AttentionPart, width, dim, Rows)
	if linear.flag(false, "use_full_rank_gate") {
		b.linear("self_attn.g_proj", AttentionPart, width, d.hidden, Rows)
	} else {
		b.linear("self_attn.g_a_proj", AttentionPart, dim, d.hidden, Replicated)
		b.linear("self_attn.g_b_proj", AttentionPart, width, dim, Rows)
	}
	b.vector("self_attn.o_norm", Other, dim, Replicated)
	b.linear("self_attn.o_proj", AttentionPart, d.hidden, width, Columns)
	b.caches(Cache{Attention: State, ConvElements: 3 * width * (kernel - 1), StateElements: width * dim, StateBits: 32})
}
