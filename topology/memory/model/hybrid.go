package model

import (
	"slices"
	"strings"
)

// Hybrids of attention and state-space layers. Sources: the modelling code of the
// same names in Transformers.

// jamba attends in every attn_layer_period-th layer and has experts in every
// expert_layer_period-th.
func jamba(b *builder) {
	attention, attentionAt := b.required("attn_layer_period"), b.count("attn_layer_offset")
	experts, expertsAt := b.required("expert_layer_period"), b.count("expert_layer_offset")
	if attention == 0 || experts == 0 {
		return
	}
	s := style{noRotary: true}
	d := b.shape(&s)
	b.outer(&s, d)
	moe := b.mixture(d)
	mamba := mamba1{
		inner: d.hidden * b.required("mamba_expand"), state: b.required("mamba_d_state"), kernel: b.required("mamba_d_conv"),
		rank:     b.rank(d.hidden, "mamba_dt_rank"),
		convBias: b.flag(true, "mamba_conv_bias"), bias: b.flag(false, "mamba_proj_bias"), normed: true,
	}
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		if layer%attention == attentionAt {
			b.attention(&s, d, 0)
		} else {
			mamba.add(b, d.hidden)
		}
		if moe != nil && layer%experts == expertsAt {
			moe.add(b, d)
		} else {
			b.mlp(&s, "mlp", d.hidden, d.ff)
		}
	})
}

// falconH1 has attention and a state space side by side in every layer.
func falconH1(b *builder) {
	decoder(style{mixer: func(b *builder, s *style, d shape, _ int64) bool {
		b.attention(s, d, 0)
		m := b.mamba2(d)
		m.plain = !b.flag(false, "mamba_rms_norm")
		m.add(b, d.hidden)
		return true
	}})(b)
}

// bamba attends in the layers that attn_layer_indices names.
func bamba(b *builder) {
	attends := b.ints("attn_layer_indices")
	decoder(style{mixer: func(b *builder, _ *style, d shape, layer int64) bool {
		full := slices.Contains(attends, layer)
		if name, stated := b.layerType(layer); stated {
			full = name == "attention" || name == "full_attention"
		}
		if !full {
			b.mamba2(d).add(b, d.hidden)
		}
		return !full
	}})(b)
}

// graniteHybrid is Bamba with experts and a feed-forward layer that every token
// passes; the experts may be missing.
func graniteHybrid(b *builder) {
	if b.count("num_local_experts") == 0 {
		b.fields = b.over(map[string]any{"intermediate_size": b.values["shared_intermediate_size"]})
	}
	bamba(b)
}

// nemotronH has one thing per layer, by the letters of hybrid_override_pattern: M for
// a state space, * for attention, - for a feed-forward layer, E for experts.
func nemotronH(b *builder) {
	s := style{plainMLP: true, noRotary: true, correction: true}
	pattern := b.text("hybrid_override_pattern")
	if !b.has(layerKeys...) {
		b.fields = b.over(map[string]any{"num_hidden_layers": number(int64(len(pattern)))})
	}
	d := b.shape(&s)
	b.outer(&s, d)
	moe := b.mixture(d)
	if int64(len(pattern)) != d.layers {
		b.fail("hybrid_override_pattern", "has %d letters for %d layers", len(pattern), d.layers)
		return
	}
	b.eachLayer(d.layers, func(layer int64) { b.letter(&s, d, moe, pattern[layer]) })
	if b.count("num_nextn_predict_layers") == 0 {
		return
	}
	draft := b.text("mtp_hybrid_override_pattern")
	if len(draft) > maxLayers {
		b.fail("mtp_hybrid_override_pattern", "has %d letters", len(draft))
		return
	}
	b.model.DraftLayers = int64(strings.Count(draft, "*"))
	b.inside(Draft, func() {
		b.matrix("eh_proj", Draft, d.hidden, 2*d.hidden, Replicated)
		b.vector("norms", Other, 3*d.hidden, Replicated)
		for _, letter := range []byte(draft) {
			b.letter(&s, d, moe, letter)
		}
	})
}

func (b *builder) letter(s *style, d shape, moe *mixture, letter byte) {
	b.norm(s, "norm", d.hidden)
	switch letter {
	case 'M':
		b.mamba2(d).add(b, d.hidden)
	case '*':
		b.attention(s, d, 0)
	case '-':
		b.mlp(s, "mixer", d.hidden, d.ff)
	case 'E':
		if moe == nil {
			b.fail("n_routed_experts", "missing, and hybrid_override_pattern has experts")
			return
		}
		latent := *moe
		latent.plain, latent.correction = true, true
		latent.latent = b.dimension("moe_latent_size")
		latent.add(b, d)
	default:
		b.fail("hybrid_override_pattern", "%q is not a kind of layer", string(letter))
	}
}
