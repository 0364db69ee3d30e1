package model

import "strings"

// addSelfAttention adds one layer's attention of either kind.
func (b *modelBuilder) addSelfAttention(s *decoderStyle, d attentionShape, window int64) {
	if b.hasKey("kv_lora_rank") {
		b.latentAttention(d)
		return
	}
	b.addAttention(s, d, window)
}

// rotaryWidth is the width of the rotary table.
func (b *modelBuilder) rotaryWidth(headDim int64) int64 {
	if dim := b.readDimension("qk_rope_head_dim", "rotary_dim"); dim > 0 {
		return dim
	}
	f := b.configFields
	if !f.hasKey("partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") {
		if nested := b.readObject("rope_parameters"); nested != nil {
			f = nested
		}
	}
	return int64(f.readShare(1, "partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") * float64(headDim))
}

// windowKeys name how many tokens a sliding layer sees.
var windowKeys = []string{"sliding_window", "sliding_window_size", "window_size"}

// readWindow is how many tokens a sliding layer sees, in config.json's words; 0 if it
// does not say.
func (b *modelBuilder) readWindow() int64 { return b.readWithin(0, maxLength, windowKeys) }

// layerWindow is the sliding window of a layer in tokens, 0 for full attention.
func (b *modelBuilder) layerWindow(s *decoderStyle, layer int64) int64 {
	if name, stated := b.layerType(layer); stated {
		if !strings.Contains(name, "sliding") {
			return 0
		}
		window := b.readWindow()
		if window == 0 {
			b.addError("sliding_window", "missing, and layer_types has sliding layers")
		}
		return window
	}
	window := b.readWindow()
	if window == 0 || !b.readFlag(true, "use_sliding_window") {
		return 0
	}
	if s.pattern == nil || !s.pattern(b, layer) {
		return 0
	}
	return window
}

// layerType is what config.json calls a layer, if it names them.
func (b *modelBuilder) layerType(layer int64) (string, bool) {
	types := b.readList("layer_types", "layers_block_type")
	if len(types) == 0 {
		return "", false
	}
	if int64(len(types)) <= layer {
		b.addError("layer_types", "has %d entries, and layer %d needs one", len(types), layer)
		return "", false
	}
	return types[layer], true
}

// addAttention adds q, k, v and o, and what the layer caches.
func (b *modelBuilder) addAttention(s *decoderStyle, d attentionShape, window int64) {
	b.addProjections(s, d)
	cache := Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
	if window > 0 {
		cache.Attention, cache.Window = SlidingAttention, window
	}
	b.addCache(cache)
}

func (b *modelBuilder) addProjections(s *decoderStyle, d attentionShape) {
	queries, keys := d.heads*d.headDim, d.kvHeads*d.headDim
	q := queries
	if s.gated {
		q *= 2
	}
	qkvBias := b.readFlag(b.readFlag(s.qkvBias, "attention_bias", "bias", "use_bias"), "qkv_bias", "use_qkv_bias", "add_qkv_bias")
	for _, p := range []struct {
		name string
		rows int64
		kind Split
	}{{"q", q, SplitRows}, {"k", keys, SplitKVHeads}, {"v", keys, SplitKVHeads}} {
		b.addLinear("self_attn."+p.name+"_proj", AttentionPart, p.rows, d.hidden, p.kind).Heads = d.kvHeads
		if qkvBias {
			b.addVector("self_attn."+p.name+"_proj.bias", AttentionPart, p.rows, p.kind).Heads = d.kvHeads
		}
	}
	b.addLinear("self_attn.o_proj", AttentionPart, d.hidden, queries, SplitColumns)
	if !s.plainOut && b.readFlag(s.outBias, "attention_out_bias", "attention_bias", "bias", "use_bias") {
		b.addVector("self_attn.o_proj.bias", AttentionPart, d.hidden, SplitNone)
	}
	b.headNorms(s, d)
	if s.sinks {
		b.addVector("self_attn.sinks", AttentionPart, d.heads, SplitRows)
	}
}

func (b *modelBuilder) headNorms(s *decoderStyle, d attentionShape) {
	if s.qkNorm == noQKNorm || !b.readFlag(!s.qkNormAsked, "use_qk_norm", "qk_layernorm") {
		return
	}
	queries, keys := d.headDim, d.headDim
	if s.qkNorm == fullQKNorm {
		queries, keys = d.heads*d.headDim, d.kvHeads*d.headDim
	}
	b.addVector("self_attn.q_norm", OtherPart, queries, SplitNone)
	b.addVector("self_attn.k_norm", OtherPart, keys, SplitNone)
}
