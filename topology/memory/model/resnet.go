package model

// maxStages is of a pyramid of convolutions; published ones have four.
const maxStages = 64

// resnet is a pyramid of convolutions, each followed by a norm of weight and bias;
// its running means are no parameters, and files keep them besides.
func resnet(b *builder) {
	b.as(Vision)
	channels := b.dimension("num_channels")
	if channels == 0 {
		channels = 3
	}
	stem, widths, depths := b.required("embedding_size"), b.ints("hidden_sizes"), b.ints("depths")
	if len(widths) == 0 || len(widths) != len(depths) || len(widths) > maxStages {
		b.fail("depths", "as many numbers as hidden_sizes has are needed, at most %d", maxStages)
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
	b.as(Vision)
	widths, depths := b.ints("hidden_sizes"), b.ints("depths")
	if len(widths) == 0 || len(widths) != len(depths) || len(widths) > maxStages {
		b.fail("depths", "as many numbers as hidden_sizes has are needed, at most %d", maxStages)
		return
	}
	patch := b.within(1, maxPatch, []string{"patch_size"})
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
