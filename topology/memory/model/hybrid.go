package model

import (
	"slices"
	"strings"
)

// Hybrids of attention and state-space layers. Sources: the modelling code of the
// same names in Transformers.

// buildJamba builds Jamba, which attends in every attn_layer_period-th layer and has experts in every
// expert_layer_period-th.
func buildJamba(b *modelBuilder) {
	attention, attentionAt := b.readRequired("attn_layer_period"), b.readCount("attn_layer_offset")
	experts, expertsAt := b.readRequired("expert_layer_period"), b.readCount("expert_layer_offset")
	if attention == 0 || experts == 0 {
		return
	}
	s := decoderStyle{noRotary: true}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	moe := b.readMixture(d)
	mamba := mamba1Layer{
		inner: d.hidden * b.readRequired("mamba_expand"), state: b.readRequired("mamba_d_state"), kernel: b.readRequired("mamba_d_conv"),
		rank:     b.readRank(d.hidden, "mamba_dt_rank"),
		convBias: b.readFlag(true, "mamba_conv_bias"), bias: b.readFlag(false, "mamba_proj_bias"), normed: true,
	}
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		if layer%attention == attentionAt {
			b.addAttention(&s, d, 0)
		} else {
			mamba.addTo(b, d.hidden)
		}
		if moe != nil && layer%experts == expertsAt {
			moe.addTo(b, d)
		} else {
			b.addMLP(&s, "mlp", d.hidden, d.ff)
		}
	})
}

// falconH1 has attention and a state space side by side in every layer.
func falconH1(b *modelBuilder) {
	decoderModel(decoderStyle{mixer: func(b *modelBuilder, s *decoderStyle, d attentionShape, _ int64) bool {
		b.addAttention(s, d, 0)
		m := b.readMamba2(d)
		m.plain = !b.readFlag(false, "mamba_rms_norm")
		m.addTo(b, d.hidden)
		return true
	}})(b)
}

// buildBamba builds Bamba, which attends in the layers that attn_layer_indices names.
func buildBamba(b *modelBuilder) {
	attends := b.readInts("attn_layer_indices")
	decoderModel(decoderStyle{mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, layer int64) bool {
		full := slices.Contains(attends, layer)
		if name, stated := b.layerType(layer); stated {
			full = name == "attention" || name == "full_attention"
		}
		if !full {
			b.readMamba2(d).addTo(b, d.hidden)
		}
		return !full
	}})(b)
}

// graniteHybrid is Bamba with experts and a feed-forward layer that every token
// passes; the experts may be missing.
func graniteHybrid(b *modelBuilder) {
	if b.readCount("num_local_experts") == 0 {
		b.configFields = b.withValuesOver(map[string]any{"intermediate_size": b.values["shared_intermediate_size"]})
	}
	buildBamba(b)
}

// layerLetters are the words of layers_block_type, as Transformers 5 writes the letters of
// hybrid_override_pattern.
var layerLetters = map[string]string{"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}

// readLetters reads the kinds of layers, as letters or as words.
func (b *modelBuilder) readLetters(letters, words string) string {
	if b.hasKey(letters) {
		return b.readText(letters)
	}
	var text strings.Builder
	for _, word := range b.readList(words) {
		letter, known := layerLetters[word]
		if !known {
			b.addError(words, "%q is not a kind of layer", word)
			return ""
		}
		text.WriteString(letter)
	}
	return text.String()
}

// nemotronH has one thing per layer, by the letters of hybrid_override_pattern: M for
// a state space, * for attention, - for a feed-forward layer, E for experts.
func nemotronH(b *modelBuilder) {
	s := decoderStyle{plainMLP: true, noRotary: true, correction: true}
	b.prefixes = append(slices.Clone(b.prefixes), "backbone.layers.")
	pattern := b.readLetters("hybrid_override_pattern", "layers_block_type")
	if !b.hasKey(layerKeys...) {
		b.configFields = b.withValuesOver(map[string]any{"num_hidden_layers": jsonNumber(int64(len(pattern)))})
	}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	moe := b.readMixture(d)
	if int64(len(pattern)) != d.layers {
		b.addError("hybrid_override_pattern", "has %d letters for %d layers", len(pattern), d.layers)
		return
	}
	b.eachLayer(d.layers, func(layer int64) { b.addLetter(&s, d, moe, pattern[layer]) })
	if b.readCount("num_nextn_predict_layers") == 0 {
		return
	}
	draft := b.readLetters("mtp_hybrid_override_pattern", "mtp_layers_block_type")
	if len(draft) > maxLayers {
		b.addError("mtp_hybrid_override_pattern", "has %d letters", len(draft))
		return
	}
	b.model.DraftLayers = int64(strings.Count(draft, "*"))
	b.insidePart(DraftPart, func() {
		b.addMatrix("eh_proj", DraftPart, d.hidden, 2*d.hidden, SplitNone)
		b.addVector("norms", OtherPart, 3*d.hidden, SplitNone)
		for _, letter := range []byte(draft) {
			b.addLetter(&s, d, moe, letter)
		}
	})
}

func (b *modelBuilder) addLetter(s *decoderStyle, d attentionShape, moe *expertMixture, letter byte) {
	b.addNorm(s, "norm", d.hidden)
	switch letter {
	case 'M':
		b.readMamba2(d).addTo(b, d.hidden)
	case '*':
		b.addAttention(s, d, 0)
	case '-':
		b.addMLP(s, "mixer", d.hidden, d.ff)
	case 'E':
		if moe == nil {
			b.addError("n_routed_experts", "missing, and hybrid_override_pattern has experts")
			return
		}
		latent := *moe
		latent.plain, latent.correction = true, true
		latent.latent = b.readDimension("moe_latent_size")
		latent.addTo(b, d)
	default:
		b.addError("hybrid_override_pattern", "%q is not a kind of layer", string(letter))
	}
}
