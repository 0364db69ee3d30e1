package model

// deberta looks at relative positions of width hidden, with a norm where it is asked
// for, and a convolution in its largest models.
func deberta(b *builder) {
	e := textEncoder{noPooler: true, noTypes: true}
	if b.flag(true, "position_biased_input") {
		e.positions = rows(0)
	}
	e.relative = func(b *builder, d shape) {
		if !b.flag(false, "relative_attention") {
			return
		}
		buckets := b.model.MaxPositions
		if _, value := b.find([]string{"position_buckets"}); value != nil {
			if stated, _ := whole(value); stated > 0 {
				buckets = b.dimension("position_buckets")
			}
		}
		b.matrix("encoder.rel_embeddings", Other, 2*buckets, d.hidden, Replicated)
		if b.text("norm_rel_ebd") == "layer_norm" {
			b.layerNorm("encoder.LayerNorm", d.hidden, false)
		}
		if kernel := b.count("conv_kernel_size"); kernel > 0 {
			b.matrix("encoder.conv", Other, d.hidden, kernel*d.hidden, Replicated)
			b.vector("encoder.conv.bias", Other, d.hidden, Replicated)
			b.layerNorm("encoder.conv.LayerNorm", d.hidden, false)
		}
	}
	encoder(e)(b)
	b.model.RotaryDim = 0
}
