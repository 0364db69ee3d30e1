package model

// Models that look at pictures and do nothing else, or compare them with text.
// Sources: modeling_vit.py, modeling_clip.py, modeling_siglip.py, modeling_dinov2.py,
// modeling_resnet.py, modeling_convnext.py.

// look builds a model of nothing but a tower.
func look(tower func(*builder)) func(*builder) {
	return func(b *builder) {
		b.as(Vision)
		tower(b)
		b.model.FeedForward = max(b.model.FeedForward, b.dimension("intermediate_size"))
	}
}

// labels is how many classes a classifier tells apart; 0 without one.
func (b *builder) labels() int64 {
	if stated := b.dimension("num_labels"); stated > 0 {
		return stated
	}
	if labels := b.object("id2label"); labels != nil {
		return int64(len(labels.values))
	}
	for _, architecture := range b.list("architectures") {
		const suffix = "ForImageClassification"
		if len(architecture) > len(suffix) && architecture[len(architecture)-len(suffix):] == suffix {
			return 1000 // ImageNet's, as published classifiers have them
		}
	}
	return 0
}

func (b *builder) classifier(hidden int64) {
	if labels := b.labels(); labels > 0 {
		b.biased("classifier", Head, labels, hidden, Replicated)
	} else if b.model.Type == "vit" {
		b.biased("pooler.dense", Other, hidden, hidden, Replicated)
	}
}

func (b *builder) seen(v image) {
	m := &b.model
	m.Hidden, m.Heads = v.hidden, v.heads
	if v.heads > 0 {
		m.HeadDim = v.hidden / v.heads
	}
}

func vit(b *builder) {
	v := b.image()
	b.seen(v)
	b.vector("embeddings.cls_token", Other, v.hidden, Replicated)
	b.matrix("embeddings.position_embeddings", Other, v.count+1, v.hidden, Replicated)
	if b.model.Type == "deit" {
		b.vector("embeddings.distillation_token", Other, 2*v.hidden, Replicated)
	}
	b.patches(v.hidden, v.channels, v.patch, true)
	b.eachLayer(v.layers, func(int64) {
		b.encoderLayer(encoderLayer{hidden: v.hidden, ff: v.ff, plainQKV: !b.flag(true, "qkv_bias")})
		b.caches(Cache{Attention: NoCache})
	})
	b.layerNorm("layernorm", v.hidden, false)
	b.classifier(v.hidden)
}

// dino has a token for masks and scales each layer's results.
func dino(b *builder) {
	v := b.image()
	b.seen(v)
	ratio := b.number(4, 64, "mlp_ratio")
	ff := int64(ratio * float64(v.hidden))
	layer := encoderLayer{hidden: v.hidden, ff: ff, scaled: true}
	if b.flag(false, "use_swiglu_ffn") {
		layer.ff, layer.gated = (ff*2/3+7)/8*8, true
	}
	b.vector("embeddings.tokens", Other, 2*v.hidden, Replicated) // class and mask
	b.vector("embeddings.registers", Other, b.count("num_register_tokens")*v.hidden, Replicated)
	b.matrix("embeddings.position_embeddings", Other, v.count+1, v.hidden, Replicated)
	b.patches(v.hidden, v.channels, v.patch, true)
	b.eachLayer(v.layers, func(int64) {
		b.encoderLayer(layer)
		b.caches(Cache{Attention: NoCache})
	})
	b.layerNorm("layernorm", v.hidden, false)
}
