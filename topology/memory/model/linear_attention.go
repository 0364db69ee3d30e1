package model

import "strings"

// Linear attention: a recurrent state of fixed size per request instead of keys and
// values per token. State shapes follow vLLM's MambaStateShapeCalculator.

// stateBits is how wide recurrent states are kept: as activations, unless
// config.json asks for 32 bits, which is the default of Qwen3.5's.
func (b *modelBuilder) stateBits() int64 {
	stated := b.readText("mamba_ssm_dtype", "mamba_ssm_cache_dtype")
	if stated == "float32" || stated == "" && strings.HasPrefix(b.model.Type, "qwen3_5") {
		return 32
	}
	return 0
}

// deltaNet adds Qwen3-Next's gated delta net. Newer files split its input
// projections in four, which changes nothing here.
func (b *modelBuilder) deltaNet(d attentionShape) {
	keyHeads, valueHeads := b.readRequired("linear_num_key_heads"), b.readRequired("linear_num_value_heads")
	keyDim, valueDim := b.readRequired("linear_key_head_dim"), b.readRequired("linear_value_head_dim")
	kernel := b.readRequired("linear_conv_kernel_dim")
	keys, values := keyHeads*keyDim, valueHeads*valueDim
	b.addLinear("linear_attn.in_proj_qkvz", AttentionPart, 2*keys+2*values, d.hidden, SplitRows)
	b.addMatrix("linear_attn.in_proj_ba", AttentionPart, 2*valueHeads, d.hidden, SplitRows)
	b.addMatrix("linear_attn.conv1d", OtherPart, 2*keys+values, kernel, SplitRows)
	b.addVector("linear_attn.dt_bias", OtherPart, valueHeads, SplitRows)
	b.addVector("linear_attn.A_log", OtherPart, valueHeads, SplitRows)
	b.addVector("linear_attn.norm", OtherPart, valueDim, SplitNone)
	b.addLinear("linear_attn.out_proj", AttentionPart, d.hidden, values, SplitColumns)
	b.addCache(Cache{
		Attention: RecurrentState, StateBits: b.stateBits(),
		ConvElements:  (2*keys + values) * (kernel - 1),
		ConvChannels:  2*keys + values,
		StateElements: valueHeads * valueDim * keyDim,
	})
}

// qwenNext has a gated delta net in all but every fourth layer, where attention is
// gated. Its files hold a draft layer that config.json may not mention.
var qwenNext = decoderStyle{
	qkNorm: headQKNorm, gated: true, draft: sharedDraft,
	mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, layer int64) bool {
		full := (layer+1)%max(1, b.readDimension("full_attention_interval")) == 0
		if name, stated := b.layerType(layer); stated {
			full = name == "full_attention"
		}
		if !full {
			b.deltaNet(d)
		}
		return !full
	},
}

// addLightningAttention adds MiniMax's lightning attention.
func (b *modelBuilder) addLightningAttention(d attentionShape) {
	width := d.heads * d.headDim
	b.addLinear("self_attn.qkv_proj", AttentionPart, 3*width, d.hidden, SplitRows)
	b.addLinear("self_attn.output_gate", AttentionPart, width, d.hidden, SplitRows)
	b.addVector("self_attn.norm", OtherPart, width, SplitRows)
	b.addLinear("self_attn.out_proj", AttentionPart, d.hidden, width, SplitColumns)
	b.addCache(Cache{Attention: RecurrentState, StateElements: width * d.headDim, StateBits: 32})
}

// miniMax has lightning attention in all but every eighth layer.
var miniMax = decoderStyle{mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, layer int64) bool {
	linear := false
	if types := b.readInts("attn_type_list", "decoder_attention_types"); int64(len(types)) > layer {
		linear = types[layer] == 0
	} else if name, stated := b.layerType(layer); stated {
		linear = name == "linear_attention"
	} else {
		b.addError("attn_type_list", "missing, or too short for layer %d", layer)
	}
	if linear {
		b.addLightningAttention(d)
	}
	return linear
}}
