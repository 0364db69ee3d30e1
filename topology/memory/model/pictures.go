package model

// Models that look at pictures and do nothing else, or compare them with text.
// Sources: modeling_vit.py, modeling_clip.py, modeling_siglip.py, modeling_dinov2.py,
// modeling_resnet.py, modeling_convnext.py.

// visionModel builds a model of nothing but a tower.
func visionModel(tower func(*modelBuilder)) func(*modelBuilder) {
	return func(b *modelBuilder) {
		b.setKind(VisionKind)
		tower(b)
		b.model.FeedForward = max(b.model.FeedForward, b.readDimension("intermediate_size"))
	}
}

// readLabels is how many classes a classifier tells apart; 0 without one.
func (b *modelBuilder) readLabels() int64 {
	if stated := b.readDimension("num_labels"); stated > 0 {
		return stated
	}
	if labels := b.readObject("id2label"); labels != nil {
		return int64(len(labels.values))
	}
	for _, architecture := range b.readList("architectures") {
		const suffix = "ForImageClassification"
		if len(architecture) > len(suffix) && architecture[len(architecture)-len(suffix):] == suffix {
			return 1000 // ImageNet's, as published classifiers have them
		}
	}
	return 0
}

func (b *modelBuilder) addClassifier(hidden int64) {
	if labels := b.readLabels(); labels > 0 {
		b.addBiased("classifier", HeadPart, labels, hidden, SplitNone)
	} else if b.model.Type == "vit" {
		b.addBiased("pooler.dense", OtherPart, hidden, hidden, SplitNone)
	}
}

func (b *modelBuilder) addVisionLayers(v imageShape) {
	m := &b.model
	m.Hidden, m.Heads = v.hidden, v.heads
	if v.heads > 0 {
		m.HeadDim = v.hidden / v.heads
	}
}

func buildViT(b *modelBuilder) {
	v := b.readImage()
	b.addVisionLayers(v)
	b.addVector("embeddings.cls_token", OtherPart, v.hidden, SplitNone)
	b.addMatrix("embeddings.position_embeddings", OtherPart, v.count+1, v.hidden, SplitNone)
	if b.model.Type == "deit" {
		b.addVector("embeddings.distillation_token", OtherPart, 2*v.hidden, SplitNone)
	}
	b.addPatches(v.hidden, v.channels, v.patch, true)
	b.eachLayer(v.layers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, plainQKV: !b.readFlag(true, "qkv_bias")})
		b.addCache(Cache{Attention: NoCache})
	})
	b.layerNorm("layernorm", v.hidden, false)
	b.addClassifier(v.hidden)
}

// buildDINO builds DINO, which has a token for masks and scales each layer's results.
func buildDINO(b *modelBuilder) {
	v := b.readImage()
	b.addVisionLayers(v)
	ratio := b.readNumber(4, 64, "mlp_ratio")
	ff := int64(ratio * float64(v.hidden))
	layer := encoderLayer{hidden: v.hidden, ff: ff, scaled: true}
	if b.readFlag(false, "use_swiglu_ffn") {
		layer.ff, layer.gated = (ff*2/3+7)/8*8, true
	}
	b.addVector("embeddings.tokens", OtherPart, 2*v.hidden, SplitNone) // class and mask
	b.addVector("embeddings.registers", OtherPart, b.readCount("num_register_tokens")*v.hidden, SplitNone)
	b.addMatrix("embeddings.position_embeddings", OtherPart, v.count+1, v.hidden, SplitNone)
	b.addPatches(v.hidden, v.channels, v.patch, true)
	b.eachLayer(v.layers, func(int64) {
		b.encoderLayer(layer)
		b.addCache(Cache{Attention: NoCache})
	})
	b.layerNorm("layernorm", v.hidden, false)
}
