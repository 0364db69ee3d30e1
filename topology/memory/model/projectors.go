package model

// twoLayers is Llava's projector: two matrices with biases.
func twoLayers(b *builder, outer, vision *fields, hidden int64) {
	bias := outer.flag(true, "multimodal_projector_bias")
	layers := int64(1)
	if _, value := outer.find([]string{"vision_feature_layer"}); value != nil {
		if list, isList := value.([]any); isList {
			layers = int64(len(list))
		}
	}
	b.dense("multi_modal_projector.linear_1", MLP, hidden, layers*vision.required("hidden_size"), Rows, bias)
	b.dense("multi_modal_projector.linear_2", MLP, hidden, hidden, Columns, bias)
}

// newline is Llava-Next's mark at the end of a row.
func newline(b *builder, outer, vision *fields, hidden int64) {
	twoLayers(b, outer, vision, hidden)
	b.vector("image_newline", Other, hidden, Replicated)
}

// patchMerger is Mistral's: neighbours are joined before they are projected.
func patchMerger(b *builder, outer, vision *fields, hidden int64) {
	width, size := vision.required("hidden_size"), outer.dimension("spatial_merge_size")
	if size == 0 {
		size = 2
	}
	b.layerNorm("multi_modal_projector.norm", width, true)
	b.linear("multi_modal_projector.patch_merger", MLP, width, width*size*size, Rows)
	bias := outer.flag(false, "multimodal_projector_bias")
	b.dense("multi_modal_projector.linear_1", MLP, hidden, width, Rows, bias)
	b.dense("multi_modal_projector.linear_2", MLP, hidden, hidden, Columns, bias)
}

func gemma3Projector(b *builder, _, vision *fields, hidden int64) {
	width := vision.required("hidden_size")
	b.matrix("multi_modal_projector.mm_input_projection_weight", MLP, width, hidden, Replicated)
	b.layerNorm("multi_modal_projector.mm_soft_emb_norm", width, true)
}

// onlyMatrix is a projector of one matrix without bias, from the width given under
// key in vision_config.
func onlyMatrix(key string) func(b *builder, outer, vision *fields, hidden int64) {
	return func(b *builder, _, vision *fields, hidden int64) {
		b.linear("multi_modal_projector.linear", MLP, hidden, vision.required(key), Rows)
	}
}

// gemma3nProjector has a table of marks beside its matrix, for images or for sounds.
func gemma3nProjector(b *builder, _, vision *fields, hidden int64) {
	width, vocab := vision.required("hidden_size"), vision.required("vocab_size")
	b.matrix("embed_vision.embedding", Other, vocab, width, Replicated)
	b.vector("embed_vision.hard_embedding_norm", Other, width, Replicated)
	b.vector("embed_vision.soft_embedding_norm", Other, width, Replicated)
	b.linear("embed_vision.embedding_projection", MLP, hidden, width, Replicated)
}

// shuffled is Idefics3's projector: pixels are shuffled into one vector.
func shuffled(b *builder, outer, vision *fields, hidden int64) {
	scale := outer.dimension("scale_factor")
	if scale == 0 {
		scale = 2
	}
	b.linear("connector.modality_projection.proj", MLP, hidden, vision.required("hidden_size")*scale*scale, Rows)
}

// internProjector joins four vectors, or as many as downsample_ratio says.
func internProjector(b *builder, outer, vision *fields, hidden int64) {
	ratio := outer.share(0.5, "downsample_ratio")
	joined := int64(float64(vision.required("hidden_size")) / ratio / ratio)
	if joined > maxDimension {
		outer.fail("downsample_ratio", "%v is too small", ratio)
		return
	}
	b.layerNorm("mlp1.0", joined, false)
	b.biased("mlp1.1", MLP, hidden, joined, Rows)
	b.biased("mlp1.3", MLP, hidden, hidden, Columns)
}

// moonProjector is Kimi's.
func moonProjector(b *builder, _, vision *fields, hidden int64) {
	width, joined := vision.required("vt_hidden_size", "hidden_size"), int64(1)
	kernel := vision.ints("merge_kernel_size")
	if len(kernel) != 2 {
		vision.fail("merge_kernel_size", "two numbers are needed")
		return
	}
	joined = width * kernel[0] * kernel[1]
	if joined > maxDimension {
		vision.fail("merge_kernel_size", "%v is too large", kernel)
		return
	}
	if vision.text("mm_projector_type") == "patchmergerv2" {
		b.linear("mm_projector.proj.0", MLP, joined, joined, Rows)
		b.linear("mm_projector.proj.2", MLP, hidden, joined, Columns)
		b.layerNorm("mm_projector.post_norm", hidden, true)
		return
	}
	b.layerNorm("multi_modal_projector.pre_norm", width, false)
	b.biased("multi_modal_projector.linear_1", MLP, joined, joined, Rows)
	b.biased("multi_modal_projector.linear_2", MLP, hidden, joined, Columns)
}
