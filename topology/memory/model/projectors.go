package model

// twoLayers is Llava's projector: two matrices with biases.
func twoLayers(b *modelBuilder, outer, vision *configFields, hidden int64) {
	bias := outer.readFlag(true, "multimodal_projector_bias")
	layers := int64(1)
	if _, value := outer.findKey([]string{"vision_feature_layer"}); value != nil {
		if list, isList := value.([]any); isList {
			layers = int64(len(list))
		}
	}
	b.addDense("multi_modal_projector.linear_1", MLPPart, hidden, layers*vision.readRequired("hidden_size"), SplitRows, bias)
	b.addDense("multi_modal_projector.linear_2", MLPPart, hidden, hidden, SplitColumns, bias)
}

// newlineProjector is Llava-Next's mark at the end of a row.
func newlineProjector(b *modelBuilder, outer, vision *configFields, hidden int64) {
	twoLayers(b, outer, vision, hidden)
	b.addVector("image_newline", OtherPart, hidden, SplitNone)
}

// patchMerger is Mistral's: neighbours are joined before they are projected.
func patchMerger(b *modelBuilder, outer, vision *configFields, hidden int64) {
	width, size := vision.readRequired("hidden_size"), outer.readDimension("spatial_merge_size")
	if size == 0 {
		size = 2
	}
	b.layerNorm("multi_modal_projector.norm", width, true)
	b.addLinear("multi_modal_projector.patch_merger", MLPPart, width, width*size*size, SplitRows)
	bias := outer.readFlag(false, "multimodal_projector_bias")
	b.addDense("multi_modal_projector.linear_1", MLPPart, hidden, width, SplitRows, bias)
	b.addDense("multi_modal_projector.linear_2", MLPPart, hidden, hidden, SplitColumns, bias)
}

func gemma3Projector(b *modelBuilder, _, vision *configFields, hidden int64) {
	width := vision.readRequired("hidden_size")
	b.addMatrix("multi_modal_projector.mm_input_projection_weight", MLPPart, width, hidden, SplitNone)
	b.layerNorm("multi_modal_projector.mm_soft_emb_norm", width, true)
}

// onlyMatrix is a projector of one matrix without bias, from the width given under
// key in vision_config.
func onlyMatrix(key string) func(b *modelBuilder, outer, vision *configFields, hidden int64) {
	return func(b *modelBuilder, _, vision *configFields, hidden int64) {
		b.addLinear("multi_modal_projector.linear", MLPPart, hidden, vision.readRequired(key), SplitRows)
	}
}

// gemma3nProjector has a table of marks beside its matrix, for images or for sounds.
func gemma3nProjector(b *modelBuilder, _, vision *configFields, hidden int64) {
	width, vocab := vision.readRequired("hidden_size"), vision.readRequired("vocab_size")
	b.addMatrix("embed_vision.embedding", OtherPart, vocab, width, SplitNone)
	b.addVector("embed_vision.hard_embedding_norm", OtherPart, width, SplitNone)
	b.addVector("embed_vision.soft_embedding_norm", OtherPart, width, SplitNone)
	b.addLinear("embed_vision.embedding_projection", MLPPart, hidden, width, SplitNone)
}

// shuffledProjector is Idefics3's projector: pixels are shuffled into one vector.
func shuffledProjector(b *modelBuilder, outer, vision *configFields, hidden int64) {
	scale := outer.readDimension("scale_factor")
	if scale == 0 {
		scale = 2
	}
	b.addLinear("connector.modality_projection.proj", MLPPart, hidden, vision.readRequired("hidden_size")*scale*scale, SplitRows)
}

// internProjector joins four vectors, or as many as downsample_ratio says.
func internProjector(b *modelBuilder, outer, vision *configFields, hidden int64) {
	ratio := outer.readShare(0.5, "downsample_ratio")
	joined := int64(float64(vision.readRequired("hidden_size")) / ratio / ratio)
	if joined > maxDimension {
		outer.addError("downsample_ratio", "%v is too small", ratio)
		return
	}
	b.layerNorm("mlp1.0", joined, false)
	b.addBiased("mlp1.1", MLPPart, hidden, joined, SplitRows)
	b.addBiased("mlp1.3", MLPPart, hidden, hidden, SplitColumns)
}

// moonProjector is Kimi's.
func moonProjector(b *modelBuilder, _, vision *configFields, hidden int64) {
	width, joined := vision.readRequired("vt_hidden_size", "hidden_size"), int64(1)
	kernel := vision.readInts("merge_kernel_size")
	if len(kernel) != 2 {
		vision.addError("merge_kernel_size", "two numbers are needed")
		return
	}
	joined = width * kernel[0] * kernel[1]
	if joined > maxDimension {
		vision.addError("merge_kernel_size", "%v is too large", kernel)
		return
	}
	if vision.readText("mm_projector_type") == "patchmergerv2" {
		b.addLinear("mm_projector.proj.0", MLPPart, joined, joined, SplitRows)
		b.addLinear("mm_projector.proj.2", MLPPart, hidden, joined, SplitColumns)
		b.layerNorm("mm_projector.post_norm", hidden, true)
		return
	}
	b.layerNorm("multi_modal_projector.pre_norm", width, false)
	b.addBiased("multi_modal_projector.linear_1", MLPPart, joined, joined, SplitRows)
	b.addBiased("multi_modal_projector.linear_2", MLPPart, hidden, joined, SplitColumns)
}
