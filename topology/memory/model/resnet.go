package model

// maxStages is of a pyramid of convolutions; published ones have four.
const maxStages = 64

// buildResNet builds a pyramid of convolutions, each followed by a norm of weight and bias;
// its running means are no parameters, and files keep them besides.
func buildResNet(b *modelBuilder) {
	b.setKind(VisionKind)
	channels := b.readDimension("num_channels")
	if channels == 0 {
		channels = 3
	}
	stem, widths, depths := b.readRequired("embedding_size"), b.readInts("hidden_sizes"), b.readInts("depths")
	if len(widths) == 0 || len(widths) != len(depths) || len(widths) > maxStages {
		b.addError("depths", "as many numbers as hidden_sizes has are needed, at most %d", maxStages)
		return
	}
	bottleneck := true
	switch kind := b.readText("layer_type"); kind {
	case "", "bottleneck":
	case "basic":
		bottleneck = false
	default:
		b.addError("layer_type", "%q is not known", kind)
	}
	b.addNormedConvolution("embedder", stem, channels, 49)
	in := stem
	for stage, out := range widths {
		if depths[stage] == 0 || depths[stage] > maxLayers {
			b.addError("depths", "%d is not between 1 and %d", depths[stage], maxLayers)
			return
		}
		if in != out || stage > 0 || b.readFlag(false, "downsample_in_first_stage") {
			b.addNormedConvolution("shortcut", out, in, 1)
		}
		b.addResidualBlock(bottleneck, in, out)
		b.repeatLayers(depths[stage]-1, func() { b.addResidualBlock(bottleneck, out, out) })
		in = out
	}
	b.model.Hidden, b.model.FeedForward = in, in
	if labels := b.readLabels(); labels > 0 {
		b.addBiased("classifier", HeadPart, labels, in, SplitNone)
	}
}

func (b *modelBuilder) addResidualBlock(bottleneck bool, in, out int64) {
	if !bottleneck {
		b.addNormedConvolution("layer.0", out, in, 9)
		b.addNormedConvolution("layer.1", out, out, 9)
		return
	}
	b.addNormedConvolution("layer.0", out/4, in, 1)
	b.addNormedConvolution("layer.1", out/4, out/4, 9)
	b.addNormedConvolution("layer.2", out, out/4, 1)
}

// addNormedConvolution is a convolution without bias and the norm that follows it.
func (b *modelBuilder) addNormedConvolution(name string, out, in, area int64) {
	b.addConvolution(name+".convolution", out, in, area)
	b.layerNorm(name+".normalization", out, false)
}

// convNext is a pyramid of wide depthwise convolutions.
func convNext(b *modelBuilder) {
	b.setKind(VisionKind)
	widths, depths := b.readInts("hidden_sizes"), b.readInts("depths")
	if len(widths) == 0 || len(widths) != len(depths) || len(widths) > maxStages {
		b.addError("depths", "as many numbers as hidden_sizes has are needed, at most %d", maxStages)
		return
	}
	patch := b.readWithin(1, maxPatch, []string{"patch_size"})
	if patch == 0 {
		patch = 4
	}
	in := b.readDimension("num_channels")
	if in == 0 {
		in = 3
	}
	for stage, width := range widths {
		if depths[stage] > maxLayers {
			b.addError("depths", "%d is more than %d", depths[stage], maxLayers)
			return
		}
		if stage == 0 {
			b.addPatches(width, in, patch, true)
			b.layerNorm("embeddings.layernorm", width, false)
		} else {
			b.layerNorm("downsampling.norm", widths[stage-1], false)
			b.addConvolution("downsampling.conv", width, widths[stage-1], 4)
			b.addVector("downsampling.conv.bias", OtherPart, width, SplitNone)
		}
		b.repeatLayers(depths[stage], func() {
			b.addConvolution("dwconv", width, 1, 49)
			b.addVector("dwconv.bias", OtherPart, width, SplitNone)
			b.layerNorm("layernorm", width, false)
			b.feedForward("pwconv", MLPPart, width, 4*width, false, true)
			if b.model.Type == "convnextv2" {
				b.addVector("grn", OtherPart, 8*width, SplitNone)
			} else {
				b.addVector("layer_scale_parameter", OtherPart, width, SplitNone)
			}
		})
	}
	last := widths[len(widths)-1]
	b.model.Hidden, b.model.FeedForward = last, 4*last
	b.layerNorm("layernorm", last, false)
	b.addClassifier(last)
}
