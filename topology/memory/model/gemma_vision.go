package model

// gemma4Patches is how many patches the largest image has: nine for each of 280 vectors.
const gemma4Patches = 9 * 280

// gemma4Tower has tables of positions in both directions, and clipped layers keep
// four bounds each.
func gemma4Tower(b *builder) {
	b.fields = b.over(map[string]any{"image_size": nil})
	v := b.image()
	b.model.Tower.Patches = gemma4Patches
	dim := b.required("head_dim")
	b.patches(v.hidden, v.channels, v.patch, false)
	b.matrix("position_embedding_table", Other, 2*b.required("position_embedding_size"), v.hidden, Replicated)
	if b.flag(false, "standardize") {
		b.vector("std_bias", Other, v.hidden, Replicated)
		b.vector("std_scale", Other, v.hidden, Replicated)
	}
	clipped := b.flag(false, "use_clipped_linears")
	b.times(v.layers, func() {
		b.encoderLayer(encoderLayer{hidden: v.hidden, inner: v.heads * dim, ff: v.ff, rms: true, norms: 4, qkNorm: dim, gated: true, plainQKV: true, plainOut: true, plainMLP: true})
		if clipped {
			b.vector("bounds", Other, 4*7, Replicated)
		}
	})
}

// gemma4Unified has no tower: patches are projected and given positions in both
// directions.
func gemma4Unified(b *builder) {
	width, side := b.required("mm_embed_dim"), b.required("patch_size")*b.required("pooling_kernel_size")
	if side > maxPatch {
		b.fail("patch_size", "%d is too large", side)
		return
	}
	b.layerNorm("patch_ln1", 3*side*side, false)
	b.biased("patch_dense", MLP, width, 3*side*side, Rows)
	b.layerNorm("patch_ln2", width, false)
	b.layerNorm("pos_norm", width, false)
	b.matrix("pos_embedding", Other, 2*b.required("mm_posemb_size"), width, Replicated)
}

// mobileNetTower is timm's network of the name that vision_config states, whose
// shapes are in timm and not in config.json.
func mobileNetTower(b *builder) {
	if name := b.text("architecture"); name != "mobilenetv5_300m_enc" {
		b.fail("architecture", "%q is not known", name)
	}
	b.vector("timm_model", Other, mobileNetV5, Replicated)
}

// mobileNetV5 is how many parameters timm's mobilenetv5_300m_enc has.
const mobileNetV5 = 294_126_912
