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
