package model

// lfm2 has short convolutions for most layers' attention. Source: modeling_lfm2.py.
func lfm2(b *builder) {
	if b.flag(false, "block_auto_adjust_ff_dim") {
		width := 2 * b.required("intermediate_size", "block_ff_dim") / 3
		if b.has("block_ffn_dim_multiplier") {
			width = int64(b.number(1, 64, "block_ffn_dim_multiplier") * float64(width))
		}
		if multiple := b.dimension("block_multiple_of"); multiple > 0 {
			width = ceilDiv(width, multiple) * multiple
		}
		b.fields = b.over(map[string]any{"intermediate_size": number(width)})
	}
	full := b.ints("full_attn_idxs")
	decoder(style{tied: true, qkNorm: headQKNorm, mixer: func(b *builder, _ *style, d shape, layer int64) bool {
		name, stated := b.layerType(layer)
		attends := name == "full_attention"
		for _, index := range full {
			attends = attends || !stated && index == layer
		}
		if !attends {
			b.shortConvolution(d)
		}
		return !attends
	}})(b)
}

func (b *builder) shortConvolution(d shape) {
	length, bias := b.required("conv_L_cache"), b.flag(false, "conv_bias")
	b.dense("conv.in_proj", AttentionPart, 3*d.hidden, d.hidden, Rows, bias)
	b.matrix("conv.conv", Other, d.hidden, length, Rows)
	if bias {
		b.vector("conv.conv.bias", Other, d.hidden, Rows)
	}
	b.dense("conv.out_proj", AttentionPart, d.hidden, d.hidden, Columns, bias)
	b.caches(Cache{Attention: State, ConvElements: d.hidden * (length - 1)})
}
