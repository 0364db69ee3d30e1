package model

import (
	"slices"
	"strings"
)

// several is a model of several parts: a language model and what looks or listens.
type several struct {
	// text is the language model's model_type where config.json does not say.
	text string
	// vision is the tower's where config.json does not say.
	vision string
	// project adds what stands between them. Outer and vision are their objects in
	// config.json.
	project func(b *builder, outer, vision *fields, hidden int64)
	// audio adds a part that listens.
	audio func(b *builder, audio *fields, hidden int64)
}

func multimodal(s several) func(*builder) { return s.build }

func (s several) build(b *builder) {
	outer := b.fields
	kind := s.text
	if inner := outer.language(); inner != nil {
		if named := inner.text("model_type"); named != "" {
			kind = strings.ToLower(named)
		}
		b.descend(inner)
	}
	language, known := b.families[kind]
	if !known {
		b.fail("model_type", "%q is not an architecture that is known here", kind)
		return
	}
	b.fields = b.withDefaults(kind)
	language(b)
	hidden := b.model.Hidden
	b.prefixes = []string{"model.vision_tower.", "vision_tower.", "vision_model.", "model.visual.", "visual."}
	vision := outer.object("vision_config")
	b.inside(Tower, func() {
		if vision != nil {
			s.see(b, outer, vision, hidden)
		}
		if audio := outer.object("audio_config"); audio != nil && s.audio != nil {
			b.fields = audio
			s.audio(b, audio, hidden)
		}
	})
	b.fields = outer
}

func (s several) see(b *builder, outer, vision *fields, hidden int64) {
	kind := strings.ToLower(vision.text("model_type"))
	tower, known := towers[kind]
	if !known || s.vision != "" && kind == "" {
		kind = s.vision
		tower, known = towers[kind]
	}
	if !known {
		vision.fail("model_type", "%q is not a vision tower that is known here", kind)
		return
	}
	vision = vision.withDefaults(kind)
	b.fields = vision
	tower(b)
	if s.project != nil {
		s.project(b, outer, vision, hidden)
	}
}

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
	width, joined := vision.required("hidden_size", "vt_hidden_size"), int64(1)
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
	b.layerNorm("multi_modal_projector.pre_norm", width, false)
	b.biased("multi_modal_projector.linear_1", MLP, joined, joined, Rows)
	b.biased("multi_modal_projector.linear_2", MLP, hidden, joined, Columns)
}

func mllamaProjector(b *builder, _, vision *fields, hidden int64) {
	b.biased("multi_modal_projector", MLP, hidden, vision.required("vision_output_dim"), Rows)
}

// mllamaText attends to images in the layers that cross_attention_layers lists, and
// has eight more rows in its embedding than in its head.
func mllamaText(b *builder) {
	s := style{}
	d := b.shape(&s)
	b.outer(&s, d)
	b.matrix("embed_tokens.image", Embedding, 8, d.hidden, Replicated)
	b.model.RotaryDim = b.rotary(d.headDim)
	across := b.ints("cross_attention_layers")
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		if slices.Contains(across, layer) {
			own := s
			own.qkNorm = headQKNorm
			b.projections(&own, d)
			b.vector("cross_attn_gates", Other, 2, Replicated)
			b.caches(Cache{Attention: Cross, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim, Window: b.imageTokens()})
		} else {
			b.attention(&s, d, 0)
		}
		b.mlp(&s, "mlp", d.hidden, d.ff)
	})
}

// imageTokens is how many vectors Mllama's tower makes of the largest image.
func (b *builder) imageTokens() int64 {
	vision := b.object("vision_config")
	if vision == nil {
		return 0
	}
	patch := vision.required("patch_size")
	if patch == 0 {
		return 0
	}
	across := vision.required("image_size") / patch
	return vision.required("max_num_tiles") * (across*across + 1)
}

// llama4Text sees chunks in all layers but those without rotary positions, and has a
// shared expert in every mixture.
func llama4Text(b *builder) {
	b.fields = b.over(map[string]any{"n_shared_experts": one})
	rotary := b.ints("no_rope_layers")
	each := b.dimension("no_rope_layer_interval")
	if each == 0 {
		each = 4
	}
	chunked := func(layer int64) bool {
		if name, stated := b.layerType(layer); stated {
			return strings.HasPrefix(name, "chunked")
		}
		if int64(len(rotary)) > layer {
			return rotary[layer] != 0
		}
		return (layer+1)%each != 0
	}
	decoder(style{mixer: func(b *builder, s *style, d shape, layer int64) bool {
		b.projections(s, d)
		cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
		if chunk := b.count("attention_chunk_size"); chunk > 0 && chunked(layer) {
			cache.Attention, cache.Window = Chunked, chunk
		}
		b.caches(cache)
		return true
	}})(b)
}
