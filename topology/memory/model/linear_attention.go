package model

import "strings"

// Linear attention: a recurrent state of fixed size per request instead of keys and
// values per token. State shapes follow vLLM's MambaStateShapeCalculator.

// stateBits is how wide recurrent states are kept: as activations, unless
// config.json asks for 32 bits, which is the default of Qwen3.5's.
func (b *builder) stateBits() int64 {
	stated := b.text("mamba_ssm_dtype", "mamba_ssm_cache_dtype")
	if stated == "float32" || stated == "" && strings.HasPrefix(b.model.Type, "qwen3_5") {
		return 32
	}
	return 0
}

// deltaNet adds Qwen3-Next's gated delta net. Newer files split its input
// projections in four, which changes nothing here.
func (b *builder) deltaNet(d shape) {
	keyHeads, valueHeads := b.required("linear_num_key_heads"), b.required("linear_num_value_heads")
	keyDim, valueDim := b.required("linear_key_head_dim"), b.required("linear_value_head_dim")
	kernel := b.required("linear_conv_kernel_dim")
	keys, values := keyHeads*keyDim, valueHeads*valueDim
	b.linear("linear_attn.in_proj_qkvz", AttentionPart, 2*keys+2*values, d.hidden, Rows)
	b.matrix("linear_attn.in_proj_ba", AttentionPart, 2*valueHeads, d.hidden, Rows)
	b.matrix("linear_attn.conv1d", Other, 2*keys+values, kernel, Rows)
	b.vector("linear_attn.dt_bias", Other, valueHeads, Rows)
	b.vector("linear_attn.A_log", Other, valueHeads, Rows)
	b.vector("linear_attn.norm", Other, valueDim, Replicated)
	b.linear("linear_attn.out_proj", AttentionPart, d.hidden, values, Columns)
	b.caches(Cache{
		Attention: State, StateBits: b.stateBits(),
		ConvElements:  (2*keys + values) * (kernel - 1),
		StateElements: valueHeads * valueDim * keyDim,
	})
}

// qwenNext has a gated delta net in all but every fourth layer, where attention is
// gated. Its files hold a draft layer that config.json may not mention.
var qwenNext = style{
	qkNorm: headQKNorm, gated: true, draft: sharedDraft,
	mixer: func(b *builder, _ *style, d shape, layer int64) bool {
		full := (layer+1)%max(1, b.dimension("full_attention_interval")) == 0
		if name, stated := b.layerType(layer); stated {
			full = name == "full_attention"
		}
		if !full {
			b.deltaNet(d)
		}
		return !full
	},
}

// lightning adds MiniMax's lightning attention.
func (b *builder) lightning(d shape) {
	width := d.heads * d.headDim
	b.linear("self_attn.qkv_proj", AttentionPart, 3*width, d.hidden, Rows)
	b.linear("self_attn.output_gate", AttentionPart, width, d.hidden, Rows)
	b.vector("self_attn.norm", Other, width, Rows)
	b.linear("self_attn.out_proj", AttentionPart, d.hidden, width, Columns)
	b.caches(Cache{Attention: State, StateElements: width * d.headDim, StateBits: 32})
}

// miniMax has lightning attention in all but every eighth layer.
var miniMax = style{mixer: func(b *builder, _ *style, d shape, layer int64) bool {
	linear := false
	if types := b.ints("attn_type_list", "decoder_attention_types"); int64(len(types)) > layer {
		linear = types[layer] == 0
	} else if name, stated := b.layerType(layer); stated {
		linear = name == "linear_attention"
	} else {
		b.fail("attn_type_list", "missing, or too short for layer %d", layer)
	}
	if linear {
		b.lightning(d)
	}
	return linear
}}
