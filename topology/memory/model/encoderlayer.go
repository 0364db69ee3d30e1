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

func (b *modelBuilder) encoderLayer(l encoderLayer) {
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
		b.addDense("self_attn."+name, AttentionPart, inner, l.hidden, SplitRows, !l.plainQKV && (!l.keyless || name != "k_proj"))
	}
	b.addDense("self_attn.o_proj", AttentionPart, l.hidden, inner, SplitColumns, !l.plainOut)
	if l.qkNorm > 0 {
		b.layerNorm("self_attn.q_norm", l.qkNorm, l.rms)
		b.layerNorm("self_attn.k_norm", l.qkNorm, l.rms)
	}
	if l.ff == 0 {
		b.addError("intermediate_size", "missing")
	}
	b.feedForward("mlp", MLPPart, l.hidden, l.ff, l.gated, !l.plainMLP)
	if tower := &b.model.Tower; tower.Hidden > 0 {
		tower.Gated, tower.FeedForward = l.gated, l.ff
	}
	if l.scaled {
		b.addVector("ls1", OtherPart, l.hidden, SplitNone)
		b.addVector("ls2", OtherPart, l.hidden, SplitNone)
	}
}

// addDense is addLinear, with a bias or without.
func (b *modelBuilder) addDense(name string, part Part, rows, columns int64, split Split, bias bool) {
	if bias {
		b.addBiased(name, part, rows, columns, split)
		return
	}
	b.addLinear(name, part, rows, columns, split)
}

// layerNorm is a norm with a bias, or one of root mean squares without.
func (b *modelBuilder) layerNorm(name string, width int64, rms bool) {
	b.addVector(name, OtherPart, width, SplitNone)
	if !rms {
		b.addVector(name+".bias", OtherPart, width, SplitNone)
	}
}

// addPatches turns square pieces of an image into vectors.
func (b *modelBuilder) addPatches(hidden, channels, patch int64, bias bool) {
	b.addMatrix("patch_embedding", OtherPart, hidden, channels*patch*patch, SplitNone)
	if bias {
		b.addVector("patch_embedding.bias", OtherPart, hidden, SplitNone)
	}
}

// imageShape is what most vision towers state.
type imageShape struct{ hidden, layers, heads, ff, channels, patch, count int64 }

// anySize is how many patches the largest image has for towers that take images of
// any size: the max_pixels of the preprocessors of Qwen2-VL to Qwen3-VL.
const anySize = 65536

// readImage reads it; count is how many patches an image has.
func (b *modelBuilder) readImage() imageShape {
	v := imageShape{
		hidden:   b.readRequired("vt_hidden_size", "hidden_size", "embed_dim"),
		layers:   b.readRequired("vt_num_hidden_layers", "num_hidden_layers", "depth"),
		heads:    b.readRequired("vt_num_attention_heads", "num_attention_heads", "num_heads", "attention_heads"),
		ff:       b.readDimension("vt_intermediate_size", "intermediate_size"),
		channels: b.readDimension("num_channels", "in_channels", "in_chans"),
		patch:    b.readImageSide("patch_size"),
	}
	if v.channels == 0 {
		v.channels = 3
	}
	if v.patch == 0 {
		b.addError("patch_size", "missing")
		return v
	}
	if v.patch > maxPatch || v.channels > maxPatch {
		b.addError("patch_size", "%d with %d channels is more than %d", v.patch, v.channels, maxPatch)
	}
	across := b.readImageSide("image_size") / v.patch
	if v.count = across * across; v.count > maxDimension {
		b.addError("image_size", "has more than %d patches", maxDimension)
	}
	if v.layers > maxLayers {
		b.addError("num_hidden_layers", "%d is more than %d", v.layers, maxLayers)
	}
	b.model.Tower = Pictures{Patches: v.count, Hidden: v.hidden, FeedForward: v.ff, Patch: v.patch, Inputs: v.channels * v.patch * v.patch}
	if v.count == 0 {
		b.model.Tower.Patches = anySize
	}
	return v
}

// readImageSide reads a length that may be stated for both directions.
func (b *modelBuilder) readImageSide(key string) int64 {
	_, value := b.findKey([]string{key})
	if object, isObject := value.(map[string]any); isObject {
		inner := &configFields{path: b.path + key + ".", values: object, err: b.err}
		return inner.readDimension("height")
	}
	if _, isList := value.([]any); isList {
		return b.valueAtLayer(0, key)
	}
	return b.readDimension(key)
}
