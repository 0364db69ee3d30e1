package model

// buildLFM2 builds LFM2, which has short convolutions for most layers' attention. Source: modeling_lfm2.py.
func buildLFM2(b *modelBuilder) {
	if b.readFlag(false, "block_auto_adjust_ff_dim") {
		width := 2 * b.readRequired("intermediate_size", "block_ff_dim") / 3
		if b.hasKey("block_ffn_dim_multiplier") {
			width = int64(b.readNumber(1, 64, "block_ffn_dim_multiplier") * float64(width))
		}
		if multiple := b.readDimension("block_multiple_of"); multiple > 0 {
			width = ceilDiv(width, multiple) * multiple
		}
		b.configFields = b.withValuesOver(map[string]any{"intermediate_size": jsonNumber(width)})
	}
	full := b.readInts("full_attn_idxs")
	decoderModel(decoderStyle{tied: true, qkNorm: headQKNorm,
		mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, layer int64) bool {
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

func (b *modelBuilder) shortConvolution(d attentionShape) {
	length, bias := b.readRequired("conv_L_cache"), b.readFlag(false, "conv_bias")
	b.addDense("conv.in_proj", AttentionPart, 3*d.hidden, d.hidden, SplitRows, bias)
	b.addMatrix("conv.conv", OtherPart, d.hidden, length, SplitRows)
	if bias {
		b.addVector("conv.conv.bias", OtherPart, d.hidden, SplitRows)
	}
	b.addDense("conv.out_proj", AttentionPart, d.hidden, d.hidden, SplitColumns, bias)
	b.addCache(Cache{Attention: RecurrentState, ConvElements: d.hidden * (length - 1), ConvChannels: d.hidden})
}
