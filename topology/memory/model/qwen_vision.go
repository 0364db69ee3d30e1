package model

// merged is the width of the vectors that Qwen's mergers join.
func (b *builder) merged(hidden int64) int64 {
	size := b.dimension("spatial_merge_size")
	if size == 0 {
		size = 2
	}
	return hidden * size * size
}

func (b *builder) frames() int64 {
	frames := max(1, b.side("temporal_patch_size"))
	if frames > maxPatch {
		b.fail("temporal_patch_size", "%d is more than %d", frames, maxPatch)
	}
	return frames
}

// qwen2Tower calls its own width embed_dim, and hidden_size what it puts out.
func qwen2Tower(b *builder) {
	out := b.required("hidden_size")
	b.fields = b.over(map[string]any{"hidden_size": b.values["embed_dim"]})
	v := b.image()
	ratio := b.number(4, 64, "mlp_ratio")
	b.patches(v.hidden, v.channels*b.frames(), v.patch, false)
	b.times(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: int64(ratio * float64(v.hidden))})
	})
	b.layerNorm("merger.ln_q", v.hidden, false)
	b.merger(b.merged(v.hidden), out)
}

func (b *builder) merger(in, out int64) {
	b.biased("merger.mlp.0", MLP, in, in, Rows)
	b.biased("merger.mlp.2", MLP, out, in, Columns)
}

func qwen25Tower(b *builder) {
	v := b.image()
	b.patches(v.hidden, v.channels*b.frames(), v.patch, false)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, rms: true, gated: true}) })
	b.layerNorm("merger.ln_q", v.hidden, true)
	b.merger(b.merged(v.hidden), b.required("out_hidden_size"))
}

func qwen3Tower(b *builder) {
	v, out := b.image(), b.required("out_hidden_size")
	b.patches(v.hidden, v.channels*b.frames(), v.patch, true)
	b.matrix("pos_embed", Other, b.required("num_position_embeddings"), v.hidden, Replicated)
	b.times(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	joined := b.merged(v.hidden)
	b.layerNorm("merger.norm", v.hidden, false)
	b.merger(joined, out)
	b.times(int64(len(b.ints("deepstack_visual_indexes"))), func() {
		b.layerNorm("deepstack.norm", joined, false)
		b.merger(joined, out)
	})
}
