package model

// Models that look at pictures and do nothing else, or compare them with text.
// Sources: modeling_vit.py, modeling_clip.py, modeling_siglip.py, modeling_dinov2.py,
// modeling_resnet.py, modeling_convnext.py.

// look builds a model of nothing but a tower.
func look(tower func(*builder)) func(*builder) {
	return func(b *builder) {
		b.model.Kind = Vision
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

// compared is a model that compares pictures with text, each with a tower.
func compared(text, vision string, join func(b *builder, text, vision *fields)) func(*builder) {
	return func(b *builder) {
		b.model.Kind = Encoder
		outer := b.fields
		words, pixels := outer.object("text_config"), outer.object("vision_config")
		if words == nil || pixels == nil {
			b.fail("text_config, vision_config", "missing")
			return
		}
		words, pixels = words.withDefaults(text), pixels.withDefaults(vision)
		b.fields = words
		d := b.shape(&style{})
		b.matrix("text_model.token_embedding", Embedding, d.vocab, d.hidden, Vocabulary)
		b.matrix("text_model.position_embedding", Other, b.model.MaxPositions, d.hidden, Replicated)
		b.eachLayer(d.layers, func(int64) {
			b.encoderLayer(encoderLayer{hidden: d.hidden, ff: d.ff})
			b.caches(Cache{Attention: NoCache})
		})
		b.layerNorm("text_model.final_layer_norm", d.hidden, false)
		b.model.FeedForward = d.ff
		b.inside(Tower, func() {
			b.fields = pixels
			towers[vision](b)
		})
		b.fields = outer
		join(b, words, pixels)
	}
}

func clipProjections(b *builder, text, vision *fields) {
	width := b.dimension("projection_dim")
	if width == 0 {
		width = 512
	}
	b.linear("text_projection", Other, width, text.required("hidden_size"), Replicated)
	b.linear("visual_projection", Other, width, vision.required("hidden_size"), Replicated)
	b.vector("logit_scale", Other, 1, Replicated)
}

func siglipHead(b *builder, text, vision *fields) {
	hidden := text.required("hidden_size")
	out := hidden
	if stated := text.dimension("projection_size"); stated > 0 {
		out = stated
	}
	b.biased("text_model.head", Other, out, hidden, Replicated)
	b.vector("logit_scale", Other, 2, Replicated) // and logit_bias
}

// resnet is a pyramid of convolutions, each followed by a norm of weight and bias;
// its running means are no parameters, and files keep them besides.
func resnet(b *builder) {
	b.model.Kind = Vision
	channels := b.dimension("num_channels")
	if channels == 0 {
		channels = 3
	}
	stem, widths, depths := b.required("embedding_size"), b.ints("hidden_sizes"), b.ints("depths")
	if len(widths) == 0 || len(widths) != len(depths) {
		b.fail("depths", "as many numbers as hidden_sizes has are needed")
		return
	}
	bottleneck := true
	switch kind := b.text("layer_type"); kind {
	case "", "bottleneck":
	case "basic":
		bottleneck = false
	default:
		b.fail("layer_type", "%q is not known", kind)
	}
	b.normed("embedder", stem, channels, 49)
	in := stem
	for stage, out := range widths {
		if depths[stage] == 0 || depths[stage] > maxLayers {
			b.fail("depths", "%d is not between 1 and %d", depths[stage], maxLayers)
			return
		}
		if in != out || stage > 0 || b.flag(false, "downsample_in_first_stage") {
			b.normed("shortcut", out, in, 1)
		}
		b.block(bottleneck, in, out)
		b.times(depths[stage]-1, func() { b.block(bottleneck, out, out) })
		in = out
	}
	b.model.Hidden, b.model.FeedForward = in, in
	if labels := b.labels(); labels > 0 {
		b.biased("classifier", Head, labels, in, Replicated)
	}
}

func (b *builder) block(bottleneck bool, in, out int64) {
	if !bottleneck {
		b.normed("layer.0", out, in, 9)
		b.normed("layer.1", out, out, 9)
		return
	}
	b.normed("layer.0", out/4, in, 1)
	b.normed("layer.1", out/4, out/4, 9)
	b.normed("layer.2", out, out/4, 1)
}

// normed is a convolution without bias and the norm that follows it.
func (b *builder) normed(name string, out, in, area int64) {
	b.convolution(name+".convolution", out, in, area)
	b.layerNorm(name+".normalization", out, false)
}

// convNext is a pyramid of wide depthwise convolutions.
func convNext(b *builder) {
	b.model.Kind = Vision
	widths, depths := b.ints("hidden_sizes"), b.ints("depths")
	if len(widths) == 0 || len(widths) != len(depths) {
		b.fail("depths", "as many numbers as hidden_sizes has are needed")
		return
	}
	patch := b.dimension("patch_size")
	if patch == 0 {
		patch = 4
	}
	in := b.dimension("num_channels")
	if in == 0 {
		in = 3
	}
	for stage, width := range widths {
		if depths[stage] > maxLayers {
			b.fail("depths", "%d is more than %d", depths[stage], maxLayers)
			return
		}
		if stage == 0 {
			b.patches(width, in, patch, true)
			b.layerNorm("embeddings.layernorm", width, false)
		} else {
			b.layerNorm("downsampling.norm", widths[stage-1], false)
			b.convolution("downsampling.conv", width, widths[stage-1], 4)
			b.vector("downsampling.conv.bias", Other, width, Replicated)
		}
		b.times(depths[stage], func() {
			b.convolution("dwconv", width, 1, 49)
			b.vector("dwconv.bias", Other, width, Replicated)
			b.layerNorm("layernorm", width, false)
			b.feedForward("pwconv", MLP, width, 4*width, false, true)
			if b.model.Type == "convnextv2" {
				b.vector("grn", Other, 8*width, Replicated)
			} else {
				b.vector("layer_scale_parameter", Other, width, Replicated)
			}
		})
	}
	last := widths[len(widths)-1]
	b.model.Hidden, b.model.FeedForward = last, 4*last
	b.layerNorm("layernorm", last, false)
	b.classifier(last)
}
