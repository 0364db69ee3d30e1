package model

// gemma4Patches is how many patches the largest image has: nine for each of 280 vectors.
const gemma4Patches = 9 * 280

// gemma4Tower has tables of positions in both directions, and clipped layers keep
// four bounds each.
func gemma4Tower(b *modelBuilder) {
	b.configFields = b.withValuesOver(map[string]any{"image_size": nil})
	v := b.readImage()
	b.model.Tower.Patches = gemma4Patches
	dim := b.readRequired("head_dim")
	b.addPatches(v.hidden, v.channels, v.patch, false)
	b.addMatrix("position_embedding_table", OtherPart, 2*b.readRequired("position_embedding_size"), v.hidden, SplitNone)
	if b.readFlag(false, "standardize") {
		b.addVector("std_bias", OtherPart, v.hidden, SplitNone)
		b.addVector("std_scale", OtherPart, v.hidden, SplitNone)
	}
	clipped := b.readFlag(false, "use_clipped_linears")
	b.repeatLayers(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, inner: v.heads * dim, ff: v.ff, rms: true, norms: 4, qkNorm: dim, gated: true,
			plainQKV: true, plainOut: true, plainMLP: true})
		if clipped {
			b.addVector("bounds", OtherPart, 4*7, SplitNone)
		}
	})
}

// gemma4Unified has no tower: patches are projected and given positions in both
// directions.
func gemma4Unified(b *modelBuilder) {
	width, side := b.readRequired("mm_embed_dim"), b.readRequired("patch_size")*b.readRequired("pooling_kernel_size")
	if side > maxPatch {
		b.addError("patch_size", "%d is too large", side)
		return
	}
	b.layerNorm("patch_ln1", 3*side*side, false)
	b.addBiased("patch_dense", MLPPart, width, 3*side*side, SplitRows)
	b.layerNorm("patch_ln2", width, false)
	b.layerNorm("pos_norm", width, false)
	b.addMatrix("pos_embedding", OtherPart, 2*b.readRequired("mm_posemb_size"), width, SplitNone)
}

// mobileNetTower is timm's network of the name that vision_config states, whose
// shapes are in timm and not in config.json.
func mobileNetTower(b *modelBuilder) {
	if name := b.readText("architecture"); name != "mobilenetv5_300m_enc" {
		b.addError("architecture", "%q is not known", name)
	}
	b.addVector("timm_model", OtherPart, mobileNetV5, SplitNone)
}

// mobileNetV5 is how many parameters timm's mobilenetv5_300m_enc has.
const mobileNetV5 = 294_126_912
