package model

// encoderLayer is a layer that looks at everything at once, as vision towers and
// text encoders stack them: attention and a feed-forward layer, both with biases.
type encoderLayer struct {
	hidden, ff int64
	// inner is the width of all heads; 0 stands for hidden.
	inner int64
	// plainQKV and so on are without bias; keyless has one for q and v only.
	plainQKV, keyless, plainOut, plainMLP bool
	// gated feed-forward layers have three matrices.
	gated bool
	// norms per layer, 2 if 0; rms where they are without bias.
	norms int64
	rms   bool
	// scaled layers multiply each of their two results by a vector.
	scaled bool
	// qkNorm is the width of norms of queries and keys.
	qkNorm int64
}

func (b *builder) encoderLayer(l encoderLayer) {
	inner := l.inner
	if inner == 0 {
		inner = l.hidden
	}
	count := l.norms
	if count == 0 {
		count = 2
	}
	for range count {
		b.layerNorm("layernorm", l.hidden, l.rms)
	}
	for _, name := range []string{"q_proj", "k_proj", "v_proj"} {
		b.dense("self_attn."+name, AttentionPart, inner, l.hidden, Rows, !l.plainQKV && (!l.keyless || name != "k_proj"))
	}
	b.dense("self_attn.o_proj", AttentionPart, l.hidden, inner, Columns, !l.plainOut)
	if l.qkNorm > 0 {
		b.layerNorm("self_attn.q_norm", l.qkNorm, l.rms)
		b.layerNorm("self_attn.k_norm", l.qkNorm, l.rms)
	}
	if l.ff == 0 {
		b.fail("intermediate_size", "missing")
	}
	b.feedForward("mlp", MLP, l.hidden, l.ff, l.gated, !l.plainMLP)
	if l.scaled {
		b.vector("ls1", Other, l.hidden, Replicated)
		b.vector("ls2", Other, l.hidden, Replicated)
	}
}

// dense is linear, with a bias or without.
func (b *builder) dense(name string, part Part, rows, columns int64, split Split, bias bool) {
	if bias {
		b.biased(name, part, rows, columns, split)
		return
	}
	b.linear(name, part, rows, columns, split)
}

// layerNorm is a norm with a bias, or one of root mean squares without.
func (b *builder) layerNorm(name string, width int64, rms bool) {
	b.vector(name, Other, width, Replicated)
	if !rms {
		b.vector(name+".bias", Other, width, Replicated)
	}
}

// patches turns square pieces of an image into vectors.
func (b *builder) patches(hidden, channels, patch int64, bias bool) {
	b.matrix("patch_embedding", Other, hidden, channels*patch*patch, Replicated)
	if bias {
		b.vector("patch_embedding.bias", Other, hidden, Replicated)
	}
}

// image is what most vision towers state.
type image struct{ hidden, layers, heads, ff, channels, patch, count int64 }

// anySize is how many patches the largest image has for towers that take images of
// any size: the max_pixels of the preprocessors of Qwen2-VL to Qwen3-VL.
const anySize = 65536

// image reads it; count is how many patches an image has.
func (b *builder) image() image {
	v := image{
		hidden:   b.required("vt_hidden_size", "hidden_size", "embed_dim"),
		layers:   b.required("vt_num_hidden_layers", "num_hidden_layers", "depth"),
		heads:    b.required("vt_num_attention_heads", "num_attention_heads", "num_heads", "attention_heads"),
		ff:       b.dimension("vt_intermediate_size", "intermediate_size"),
		channels: b.dimension("num_channels", "in_channels", "in_chans"),
		patch:    b.side("patch_size"),
	}
	if v.channels == 0 {
		v.channels = 3
	}
	if v.patch == 0 {
		b.fail("patch_size", "missing")
		return v
	}
	if v.patch > maxPatch || v.channels > maxPatch {
		b.fail("patch_size", "%d with %d channels is more than %d", v.patch, v.channels, maxPatch)
	}
	across := b.side("image_size") / v.patch
	if v.count = across * across; v.count > maxDimension {
		b.fail("image_size", "has more than %d patches", maxDimension)
	}
	if v.layers > maxLayers {
		b.fail("num_hidden_layers", "%d is more than %d", v.layers, maxLayers)
	}
	b.model.Tower = Pictures{Patches: v.count, Hidden: v.hidden, FeedForward: v.ff}
	if v.count == 0 {
		b.model.Tower.Patches = anySize
	}
	return v
}

// side reads a length that may be stated for both directions.
func (b *builder) side(key string) int64 {
	_, value := b.find([]string{key})
	if object, isObject := value.(map[string]any); isObject {
		inner := &fields{path: b.path + key + ".", values: object, err: b.err}
		return inner.dimension("height")
	}
	if _, isList := value.([]any); isList {
		return b.at(0, key)
	}
	return b.dimension(key)
}
