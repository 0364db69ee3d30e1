package model

import "strings"

// attentionShape are the widths that every decoder states.
type attentionShape struct {
	hidden, layers, heads, kvHeads, headDim, ff, vocab int64
}

func (b *modelBuilder) readShape(s *decoderStyle) attentionShape {
	d := attentionShape{
		hidden: b.readRequired(hiddenKeys...),
		layers: b.readLayerCount(layerKeys...),
		heads:  b.readRequired(headKeys...),
		vocab:  b.readRequired("padded_vocab_size", "vocab_size"),
		ff:     b.valueAtLayer(0, widthKeys...),
	}
	if d.heads == 0 {
		return d
	}
	if d.kvHeads = b.readDimension(kvKeys...); d.kvHeads == 0 {
		d.kvHeads = d.heads
	}
	if d.headDim = b.readDimension("head_dim", "attention_head_dim", "kv_channels"); d.headDim == 0 {
		d.headDim = d.hidden / d.heads
	}
	if d.headDim == 0 {
		b.addError("num_attention_heads", "%d heads do not fit into a hidden_size of %d", d.heads, d.hidden)
	}
	if d.heads%d.kvHeads != 0 {
		b.addError("num_key_value_heads", "%d does not divide num_attention_heads %d", d.kvHeads, d.heads)
	}
	if d.ff == 0 && s.feedForward != nil {
		d.ff = s.feedForward(d.hidden)
	}
	m := &b.model
	m.Hidden, m.Vocabulary, m.Heads, m.HeadDim = d.hidden, d.vocab, d.heads, d.headDim
	m.MaxPositions = b.readLength(lengthKeys...)
	return d
}

// readLayerCount reads how many layers there are.
func (b *modelBuilder) readLayerCount(keys ...string) int64 {
	n := b.readRequired(keys...)
	if n > maxLayers {
		b.addError(strings.Join(keys, " or "), "%d is more than %d", n, maxLayers)
		return 0
	}
	return n
}

// Names under which config.json states the same things.
var (
	hiddenKeys = []string{"hidden_size", "n_embd", "d_model", "dim", "model_dim"}
	layerKeys  = []string{"num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_transformer_layers"}
	headKeys   = []string{"num_attention_heads", "n_head", "n_heads", "num_heads"}
	kvKeys     = []string{"num_key_value_heads", "n_head_kv", "num_kv_heads", "multi_query_group_num", "n_kv_heads", "kv_n_heads"}
	widthKeys  = []string{"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim", "block_ff_dim"}
	lengthKeys = []string{"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "max_sequence_length",
		"model_max_length"}
	expertKeys = []string{"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"}
)
