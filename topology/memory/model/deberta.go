package model

// buildDeberta builds DeBERTa, which looks at relative positions of width hidden, with a norm where it is asked
// for, and a convolution in its largest models.
func buildDeberta(b *modelBuilder) {
	e := textEncoder{noPooler: true, noTypes: true}
	if b.readFlag(true, "position_biased_input") {
		e.positions = rowCount(0)
	}
	e.relative = func(b *modelBuilder, d attentionShape) {
		if !b.readFlag(false, "relative_attention") {
			return
		}
		buckets := b.model.MaxPositions
		if _, value := b.findKey([]string{"position_buckets"}); value != nil {
			if stated, _ := wholeNumber(value); stated > 0 {
				buckets = b.readDimension("position_buckets")
			}
		}
		b.addMatrix("encoder.rel_embeddings", OtherPart, 2*buckets, d.hidden, SplitNone)
		if b.readText("norm_rel_ebd") == "layer_norm" {
			b.layerNorm("encoder.LayerNorm", d.hidden, false)
		}
		if kernel := b.readCount("conv_kernel_size"); kernel > 0 {
			b.addMatrix("encoder.conv", OtherPart, d.hidden, kernel*d.hidden, SplitNone)
			b.addVector("encoder.conv.bias", OtherPart, d.hidden, SplitNone)
			b.layerNorm("encoder.conv.LayerNorm", d.hidden, false)
		}
	}
	encoderModel(e)(b)
	b.model.RotaryDim = 0
}
