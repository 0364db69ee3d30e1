package model

// kimiLinear has delta attention in all layers but those that full_attn_layers
// names, counting from 1.
var kimiLinear = decoderStyle{correction: true, extra: residualAttention,
	mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, layer int64) bool {
		linear := b.readObject("linear_attn_config")
		if linear == nil {
			b.addError("linear_attn_config", "missing")
			return true
		}
		for _, full := range linear.readInts("full_attn_layers") {
			if full == layer+1 {
				return false
			}
		}
		b.kimiDelta(d, linear)
		return true
	}}

func kimiLinearModel(b *modelBuilder) {
	decoderModel(kimiLinear)(b)
	if b.readCount("attn_res_block_size") > 0 {
		b.addVector("output_attn_res", OtherPart, 2*b.model.Hidden, SplitNone)
	}
}

// residualAttention chooses from the residuals of earlier layers, where
// attn_res_block_size says so.
func residualAttention(b *modelBuilder, d attentionShape, _ int64) {
	if b.readCount("attn_res_block_size") > 0 {
		b.addVector("res_norms", OtherPart, 4*d.hidden, SplitNone)
	}
}

// kimiDelta adds Kimi's delta attention, which keeps its state in 32 bits.
func (b *modelBuilder) kimiDelta(d attentionShape, linear *configFields) {
	heads, dim := linear.readRequired("num_heads"), linear.readRequired("head_dim")
	kernel := linear.readRequired("short_conv_kernel_size")
	width := heads * dim
	for _, name := range []string{"q", "k", "v"} {
		b.addLinear("self_attn."+name+"_proj", AttentionPart, width, d.hidden, SplitRows)
		b.addMatrix("self_attn."+name+"_conv1d", OtherPart, width, kernel, SplitRows).Format = Bits32
	}
	b.addVector("self_attn.A_log", OtherPart, heads, SplitRows).Format = Bits32
	b.addVector("self_attn.dt_bias", OtherPart, width, SplitRows).Format = Bits32
	b.addLinear("self_attn.b_proj", AttentionPart, heads, d.hidden, SplitRows)
	b.addLinear("self_attn.f_a_proj", AttentionPart, dim, d.hidden, SplitNone)
	b.addLinear("self_attn.f_b_proj", AttentionPart, width, dim, SplitRows)
	if linear.readFlag(false, "use_full_rank_gate") {
		b.addLinear("self_attn.g_proj", AttentionPart, width, d.hidden, SplitRows)
	} else {
		b.addLinear("self_attn.g_a_proj", AttentionPart, dim, d.hidden, SplitNone)
		b.addLinear("self_attn.g_b_proj", AttentionPart, width, dim, SplitRows)
	}
	b.addVector("self_attn.o_norm", OtherPart, dim, SplitNone)
	b.addLinear("self_attn.o_proj", AttentionPart, d.hidden, width, SplitColumns)
	b.addCache(Cache{Attention: RecurrentState, ConvElements: 3 * width * (kernel - 1), ConvChannels: 3 * width,
		StateElements: width * dim, StateBits: 32})
}
