package model

// buildDeciLM builds DeciLM, which has layers that its search left out or narrowed. Source: modeling_decilm.py
// of nvidia/Llama-3_3-Nemotron-Super-49B-v1.
func buildDeciLM(b *modelBuilder) {
	s := decoderStyle{}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = b.rotaryWidth(d.headDim)
	blocks := b.readObjects("block_configs")
	perLayer := b.readInts("num_key_value_heads_per_layer")
	if blocks == nil && perLayer == nil {
		b.addError("block_configs", "missing")
		return
	}
	b.eachLayer(d.layers, func(layer int64) {
		if blocks == nil {
			if int64(len(perLayer)) <= layer {
				b.addError("num_key_value_heads_per_layer", "has %d entries", len(perLayer))
				return
			}
			own := d
			own.kvHeads = max(1, perLayer[layer])
			b.addNorms(&s, d)
			b.addAttention(&s, own, 0)
			b.addMLP(&s, "mlp", d.hidden, d.ff)
			return
		}
		if int64(len(blocks)) <= layer {
			b.addError("block_configs", "has %d entries", len(blocks))
			return
		}
		b.addSearchedBlock(&s, d, blocks[layer])
	})
}

// addSearchedBlock is one layer of a block_configs.
func (b *modelBuilder) addSearchedBlock(s *decoderStyle, d attentionShape, block *configFields) {
	if attention := block.readObject("attention"); attention != nil && !attention.readFlag(false, "no_op") {
		b.addNorm(s, "input_layernorm", d.hidden)
		if attention.readFlag(false, "replace_with_linear") {
			b.addLinear("self_attn.linear_attn", AttentionPart, d.hidden, d.hidden, SplitRows)
		} else {
			own := d
			own.kvHeads = d.heads / max(1, attention.readDimension("n_heads_in_group"))
			b.addAttention(s, own, attention.readCount("window_length"))
		}
	}
	feed := block.readObject("ffn")
	if feed == nil || feed.readFlag(false, "no_op") {
		return
	}
	b.addNorm(s, "post_attention_layernorm", d.hidden)
	if feed.readFlag(false, "replace_with_linear") {
		b.addLinear("mlp.linear_mlp", MLPPart, d.hidden, d.hidden, SplitRows)
		return
	}
	width := feed.readDimension("intermediate_size")
	if width == 0 {
		width = int64(2 * feed.readNumber(0, 64, "ffn_mult") * float64(d.hidden) / 3)
		width = ceilDiv(width, 256) * 256
	}
	b.addMLP(s, "mlp", d.hidden, width)
}
