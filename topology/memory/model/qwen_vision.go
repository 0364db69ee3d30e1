package model

// mergedWidth is the width of the vectors that Qwen's mergers join.
func (b *modelBuilder) mergedWidth(hidden int64) int64 {
	size := b.readDimension("spatial_merge_size")
	if size == 0 {
		size = 2
	}
	return hidden * size * size
}

func (b *modelBuilder) readFrames() int64 {
	frames := max(1, b.readImageSide("temporal_patch_size"))
	if frames > maxPatch {
		b.addError("temporal_patch_size", "%d is more than %d", frames, maxPatch)
	}
	return frames
}

// addFramePatches turns pieces of several frames into vectors.
func (b *modelBuilder) addFramePatches(v imageShape, bias bool) {
	frames := b.readFrames()
	b.addPatches(v.hidden, v.channels*frames, v.patch, bias)
	b.model.Tower.Inputs *= frames
}

// qwen2Tower calls its own width embed_dim, and hidden_size what it puts out.
func qwen2Tower(b *modelBuilder) {
	out := b.readRequired("hidden_size")
	b.configFields = b.withValuesOver(map[string]any{"hidden_size": b.values["embed_dim"]})
	v := b.readImage()
	ratio := b.readNumber(4, 64, "mlp_ratio")
	b.addFramePatches(v, false)
	b.repeatLayers(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: int64(ratio * float64(v.hidden))})
	})
	b.layerNorm("merger.ln_q", v.hidden, false)
	b.addMerger(b.mergedWidth(v.hidden), out)
}

func (b *modelBuilder) addMerger(in, out int64) {
	b.addBiased("merger.mlp.0", MLPPart, in, in, SplitRows)
	b.addBiased("merger.mlp.2", MLPPart, out, in, SplitColumns)
}

func qwen25Tower(b *modelBuilder) {
	v := b.readImage()
	b.addFramePatches(v, false)
	b.model.Tower.Windowed = true
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, rms: true, gated: true}) })
	b.layerNorm("merger.ln_q", v.hidden, true)
	b.addMerger(b.mergedWidth(v.hidden), b.readRequired("out_hidden_size"))
}

func qwen3Tower(b *modelBuilder) {
	v, out := b.readImage(), b.readRequired("out_hidden_size")
	b.addFramePatches(v, true)
	b.addMatrix("pos_embed", OtherPart, b.readRequired("num_position_embeddings"), v.hidden, SplitNone)
	b.repeatLayers(v.layers, func() { b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff}) })
	joined := b.mergedWidth(v.hidden)
	b.layerNorm("merger.norm", v.hidden, false)
	b.addMerger(joined, out)
	b.repeatLayers(int64(len(b.readInts("deepstack_visual_indexes"))), func() {
		b.layerNorm("deepstack.norm", joined, false)
		b.addMerger(joined, out)
	})
}
