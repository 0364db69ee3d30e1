package model

import "strings"

// attend adds one layer's attention of either kind.
func (b *builder) attend(s *style, d shape, window int64) {
	if b.has("kv_lora_rank") {
		b.latentAttention(d)
		return
	}
	b.attention(s, d, window)
}

// rotary is the width of the rotary table.
func (b *builder) rotary(headDim int64) int64 {
	if dim := b.dimension("qk_rope_head_dim", "rotary_dim"); dim > 0 {
		return dim
	}
	f := b.fields
	if !f.has("partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") {
		if nested := b.object("rope_parameters"); nested != nil {
			f = nested
		}
	}
	return int64(f.share(1, "partial_rotary_factor", "rotary_pct", "rotary_percentage", "rotary_emb_fraction") * float64(headDim))
}

// windowKeys name how many tokens a sliding layer sees.
var windowKeys = []string{"sliding_window", "sliding_window_size", "window_size"}

// slides is how many tokens a sliding layer sees, in config.json's words; 0 if it
// does not say.
func (b *builder) slides() int64 { return b.within(0, maxLength, windowKeys) }

// window is the sliding window of a layer in tokens, 0 for full attention.
func (b *builder) window(s *style, layer int64) int64 {
	if name, stated := b.layerType(layer); stated {
		if !strings.Contains(name, "sliding") {
			return 0
		}
		window := b.slides()
		if window == 0 {
			b.fail("sliding_window", "missing, and layer_types has sliding layers")
		}
		return window
	}
	window := b.slides()
	if window == 0 || !b.flag(true, "use_sliding_window") {
		return 0
	}
	if s.pattern == nil || !s.pattern(b, layer) {
		return 0
	}
	return window
}

// layerType is what config.json calls a layer, if it names them.
func (b *builder) layerType(layer int64) (string, bool) {
	types := b.list("layer_types", "layers_block_type")
	if len(types) == 0 {
		return "", false
	}
	if int64(len(types)) <= layer {
		b.fail("layer_types", "has %d entries, and layer %d needs one", len(types), layer)
		return "", false
	}
	return types[layer], true
}

// attention adds q, k, v and o, and what the layer caches.
func (b *builder) attention(s *style, d shape, window int64) {
	b.projections(s, d)
	cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
	if window > 0 {
		cache.Attention, cache.Window = Sliding, window
	}
	b.caches(cache)
}

func (b *builder) projections(s *style, d shape) {
	queries, keys := d.heads*d.headDim, d.kvHeads*d.headDim
	q := queries
	if s.gated {
		q *= 2
	}
	qkvBias := b.flag(b.flag(s.qkvBias, "attention_bias", "bias", "use_bias"), "qkv_bias", "use_qkv_bias", "add_qkv_bias")
	for _, p := range []struct {
		name string
		rows int64
		kind Split
	}{{"q", q, Rows}, {"k", keys, KVHeads}, {"v", keys, KVHeads}} {
		b.linear("self_attn."+p.name+"_proj", AttentionPart, p.rows, d.hidden, p.kind).Heads = d.kvHeads
		if qkvBias {
			b.vector("self_attn."+p.name+"_proj.bias", AttentionPart, p.rows, p.kind).Heads = d.kvHeads
		}
	}
	b.linear("self_attn.o_proj", AttentionPart, d.hidden, queries, Columns)
	if !s.plainOut && b.flag(s.outBias, "attention_out_bias", "attention_bias", "bias", "use_bias") {
		b.vector("self_attn.o_proj.bias", AttentionPart, d.hidden, Replicated)
	}
	b.headNorms(s, d)
	if s.sinks {
		b.vector("self_attn.sinks", AttentionPart, d.heads, Rows)
	}
}

func (b *builder) headNorms(s *style, d shape) {
	if s.qkNorm == noQKNorm || !b.flag(!s.qkNormAsked, "use_qk_norm", "qk_layernorm") {
		return
	}
	queries, keys := d.headDim, d.headDim
	if s.qkNorm == fullQKNorm {
		queries, keys = d.heads*d.headDim, d.kvHeads*d.headDim
	}
	b.vector("self_attn.q_norm", Other, queries, Replicated)
	b.vector("self_attn.k_norm", Other, keys, Replicated)
}
