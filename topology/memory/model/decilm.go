package model

// decilm has layers that its search left out or narrowed. Source: modeling_decilm.py
// of nvidia/Llama-3_3-Nemotron-Super-49B-v1.
func decilm(b *builder) {
	s := style{}
	d := b.shape(&s)
	b.outer(&s, d)
	b.model.RotaryDim = b.rotary(d.headDim)
	blocks := b.objects("block_configs")
	perLayer := b.ints("num_key_value_heads_per_layer")
	if blocks == nil && perLayer == nil {
		b.fail("block_configs", "missing")
		return
	}
	b.eachLayer(d.layers, func(layer int64) {
		if blocks == nil {
			if int64(len(perLayer)) <= layer {
				b.fail("num_key_value_heads_per_layer", "has %d entries", len(perLayer))
				return
			}
			own := d
			own.kvHeads = max(1, perLayer[layer])
			b.norms(&s, d)
			b.attention(&s, own, 0)
			b.mlp(&s, "mlp", d.hidden, d.ff)
			return
		}
		if int64(len(blocks)) <= layer {
			b.fail("block_configs", "has %d entries", len(blocks))
			return
		}
		b.searched(&s, d, blocks[layer])
	})
}

// searched is one layer of a block_configs.
func (b *builder) searched(s *style, d shape, block *fields) {
	if attention := block.object("attention"); attention != nil && !attention.flag(false, "no_op") {
		b.norm(s, "input_layernorm", d.hidden)
		if attention.flag(false, "replace_with_linear") {
			b.linear("self_attn.linear_attn", AttentionPart, d.hidden, d.hidden, Rows)
		} else {
			own := d
			own.kvHeads = d.heads / max(1, attention.dimension("n_heads_in_group"))
			b.attention(s, own, attention.count("window_length"))
		}
	}
	feed := block.object("ffn")
	if feed == nil || feed.flag(false, "no_op") {
		return
	}
	b.norm(s, "post_attention_layernorm", d.hidden)
	if feed.flag(false, "replace_with_linear") {
		b.linear("mlp.linear_mlp", MLP, d.hidden, d.hidden, Rows)
		return
	}
	width := feed.dimension("intermediate_size")
	if width == 0 {
		width = int64(2 * feed.number(0, 64, "ffn_mult") * float64(d.hidden) / 3)
		width = ceilDiv(width, 256) * 256
	}
	b.mlp(s, "mlp", d.hidden, width)
}
