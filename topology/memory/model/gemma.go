package model

// gemma4Text has full layers of other head dimensions than its sliding ones, layers
// at the end that read an earlier one's cache, and, in its small models, embeddings
// for every layer. Source: modeling_gemma4.py.
func gemma4Text(b *builder) {
	s := style{tied: true, norms: 4, pattern: fullEach(6)}
	d := b.shape(&s)
	b.outer(&s, d)
	b.model.RotaryDim = d.headDim
	perLayer := b.perLayerEmbeddings(d)
	shared := d.layers - b.count("num_kv_shared_layers")
	mixed := b.flag(false, "enable_moe_block")
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		b.vector("layer_scalar", Other, 1, Replicated)
		own, window := d, b.window(&s, layer)
		sameKV := false
		if window == 0 {
			if wide := b.dimension("global_head_dim"); wide > 0 {
				own.headDim = wide
			}
			if sameKV = b.flag(false, "attention_k_eq_v"); sameKV && b.has("num_global_key_value_heads") {
				own.kvHeads = b.dimension("num_global_key_value_heads")
			}
		}
		b.gemmaAttention(own, window, sameKV, layer < shared)
		width := b.denseWidth(d, layer)
		if layer >= shared && shared > 0 && b.flag(false, "use_double_wide_mlp") {
			width *= 2
		}
		b.mlp(&s, "mlp", d.hidden, width)
		if mixed {
			b.gemmaExperts(d, width)
		}
		b.perLayerInput(d, perLayer)
	})
}

// gemmaAttention adds attention in which full layers may take their keys for values,
// and in which the last layers have no keys and values of their own.
func (b *builder) gemmaAttention(d shape, window int64, sameKV, own bool) {
	queries, keys := d.heads*d.headDim, d.kvHeads*d.headDim
	b.linear("self_attn.q_proj", AttentionPart, queries, d.hidden, Rows)
	b.vector("self_attn.q_norm", Other, d.headDim, Replicated)
	b.linear("self_attn.o_proj", AttentionPart, d.hidden, queries, Columns)
	if !own {
		b.caches(Cache{Attention: NoCache})
		return
	}
	b.linear("self_attn.k_proj", AttentionPart, keys, d.hidden, KVHeads).Heads = d.kvHeads
	b.vector("self_attn.k_norm", Other, d.headDim, Replicated)
	if !sameKV {
		b.linear("self_attn.v_proj", AttentionPart, keys, d.hidden, KVHeads).Heads = d.kvHeads
	}
	cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
	if window > 0 {
		cache.Attention, cache.Window = Sliding, window
	}
	b.caches(cache)
}

// gemmaExperts stand beside the dense layer, with norms and scales of their own.
func (b *builder) gemmaExperts(d shape, dense int64) {
	moe := b.mixture(d)
	if moe == nil {
		b.fail("num_experts", "missing")
		return
	}
	moe.add(b, d)
	b.vector("router.scale", Other, d.hidden, Replicated)
	b.vector("router.per_expert_scale", Other, moe.experts, Replicated)
	for _, name := range []string{"post_feedforward_layernorm_1", "post_feedforward_layernorm_2", "pre_feedforward_layernorm_2"} {
		b.vector(name, Other, d.hidden, Replicated)
	}
	b.model.FeedForward = max(b.model.FeedForward, dense+moe.active*moe.width)
}

// perLayerEmbeddings adds the table that feeds every layer and returns how wide a
// layer's part of it is; 0 without one.
func (b *builder) perLayerEmbeddings(d shape) int64 {
	width := b.count("hidden_size_per_layer_input")
	if width == 0 {
		return 0
	}
	vocab := b.required("vocab_size_per_layer_input")
	b.matrix("embed_tokens_per_layer", Embedding, vocab, d.layers*width, Vocabulary)
	b.linear("per_layer_model_projection", Other, d.layers*width, d.hidden, Replicated)
	b.vector("per_layer_projection_norm", Other, width, Replicated)
	return width
}

func (b *builder) perLayerInput(d shape, width int64) {
	if width == 0 {
		return
	}
	b.linear("per_layer_input_gate", Other, width, d.hidden, Replicated)
	b.linear("per_layer_projection", Other, d.hidden, width, Replicated)
	b.vector("post_per_layer_input_norm", Other, d.hidden, Replicated)
}

// gemma3nText adds to that several streams per token (AltUp) and a low-rank residual
// (Laurel). Source: modeling_gemma3n.py.
func gemma3nText(b *builder) {
	s := style{tied: true, norms: 4, qkNorm: headQKNorm, pattern: fullEach(5)}
	d := b.shape(&s)
	b.outer(&s, d)
	b.model.RotaryDim = d.headDim
	perLayer := b.perLayerEmbeddings(d)
	streams, rank := b.required("altup_num_inputs"), b.required("laurel_rank")
	b.times(2*(streams-1), func() { b.linear("altup_projections", Other, d.hidden, d.hidden, Replicated) })
	shared := d.layers - b.count("num_kv_shared_layers")
	b.eachLayer(d.layers, func(layer int64) {
		b.norms(&s, d)
		b.projections(&s, d) // shared layers have theirs too, unused
		cache := Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
		if window := b.window(&s, layer); window > 0 {
			cache.Attention, cache.Window = Sliding, window
		}
		if layer >= shared {
			cache = Cache{Attention: NoCache}
		}
		b.caches(cache)
		b.mlp(&s, "mlp", d.hidden, b.denseWidth(d, layer))
		b.vector("altup.correct_output_scale", Other, d.hidden, Replicated)
		b.matrix("altup.correction_coefs", Other, streams, streams, Replicated)
		b.matrix("altup.prediction_coefs", Other, streams*streams, streams, Replicated)
		b.matrix("altup.modality_router", Other, streams, d.hidden, Replicated)
		b.vector("altup.router_norm", Other, d.hidden, Replicated)
		b.linear("laurel.linear_left", Other, rank, d.hidden, Replicated)
		b.linear("laurel.linear_right", Other, d.hidden, rank, Replicated)
		b.vector("laurel.post_laurel_norm", Other, d.hidden, Replicated)
		b.perLayerInput(d, perLayer)
	})
}
