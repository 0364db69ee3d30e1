package model

// gemma4Text has full layers of other head dimensions than its sliding ones, layers
// at the end that read an earlier one's cache, and, in its small models, embeddings
// for every layer. Source: modeling_gemma4.py.
func gemma4Text(b *modelBuilder) {
	s := decoderStyle{tied: true, norms: 4, pattern: fullEach(6)}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = d.headDim
	perLayer := b.perLayerEmbeddings(d)
	shared := d.layers - b.readCount("num_kv_shared_layers")
	mixed := b.readFlag(false, "enable_moe_block")
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		b.addVector("layer_scalar", OtherPart, 1, SplitNone)
		own, window := d, b.layerWindow(&s, layer)
		sameKV := false
		if window == 0 {
			if wide := b.readDimension("global_head_dim"); wide > 0 {
				own.headDim = wide
			}
			if sameKV = b.readFlag(false, "attention_k_eq_v"); sameKV && b.hasKey("num_global_key_value_heads") {
				own.kvHeads = b.readDimension("num_global_key_value_heads")
			}
		}
		b.gemmaAttention(own, window, sameKV, layer < shared)
		width := b.denseWidth(d, layer)
		if layer >= shared && shared > 0 && b.readFlag(false, "use_double_wide_mlp") {
			width *= 2
		}
		b.addMLP(&s, "mlp", d.hidden, width)
		if mixed {
			b.gemmaExperts(d, width)
		}
		b.perLayerInput(d, perLayer)
	})
}

// gemmaAttention adds attention in which full layers may take their keys for values,
// and in which the last layers have no keys and values of their own.
func (b *modelBuilder) gemmaAttention(d attentionShape, window int64, sameKV, own bool) {
	queries, keys := d.heads*d.headDim, d.kvHeads*d.headDim
	b.addLinear("self_attn.q_proj", AttentionPart, queries, d.hidden, SplitRows)
	b.addVector("self_attn.q_norm", OtherPart, d.headDim, SplitNone)
	b.addLinear("self_attn.o_proj", AttentionPart, d.hidden, queries, SplitColumns)
	if !own {
		b.addCache(Cache{Attention: NoCache})
		return
	}
	b.addLinear("self_attn.k_proj", AttentionPart, keys, d.hidden, SplitKVHeads).Heads = d.kvHeads
	b.addVector("self_attn.k_norm", OtherPart, d.headDim, SplitNone)
	if !sameKV {
		b.addLinear("self_attn.v_proj", AttentionPart, keys, d.hidden, SplitKVHeads).Heads = d.kvHeads
	}
	cache := Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
	if window > 0 {
		cache.Attention, cache.Window = SlidingAttention, window
	}
	b.addCache(cache)
}

// gemmaExperts stand beside the dense layer, with norms and scales of their own.
func (b *modelBuilder) gemmaExperts(d attentionShape, dense int64) {
	moe := b.readMixture(d)
	if moe == nil {
		b.addError("num_experts", "missing")
		return
	}
	moe.addTo(b, d)
	b.addVector("router.scale", OtherPart, d.hidden, SplitNone)
	b.addVector("router.per_expert_scale", OtherPart, moe.experts, SplitNone)
	for _, name := range []string{"post_feedforward_layernorm_1", "post_feedforward_layernorm_2", "pre_feedforward_layernorm_2"} {
		b.addVector(name, OtherPart, d.hidden, SplitNone)
	}
	b.model.FeedForward = max(b.model.FeedForward, dense+moe.active*moe.width)
}

// perLayerEmbeddings adds the table that feeds every layer and returns how wide a
// layer's part of it is; 0 without one.
func (b *modelBuilder) perLayerEmbeddings(d attentionShape) int64 {
	width := b.readCount("hidden_size_per_layer_input")
	if width == 0 {
		return 0
	}
	vocab := b.readRequired("vocab_size_per_layer_input")
	b.addMatrix("embed_tokens_per_layer", EmbeddingPart, vocab, d.layers*width, SplitVocabulary)
	b.addLinear("per_layer_model_projection", OtherPart, d.layers*width, d.hidden, SplitNone)
	b.addVector("per_layer_projection_norm", OtherPart, width, SplitNone)
	return width
}

func (b *modelBuilder) perLayerInput(d attentionShape, width int64) {
	if width == 0 {
		return
	}
	b.addLinear("per_layer_input_gate", OtherPart, width, d.hidden, SplitNone)
	b.addLinear("per_layer_projection", OtherPart, d.hidden, width, SplitNone)
	b.addVector("post_per_layer_input_norm", OtherPart, d.hidden, SplitNone)
}

// gemma3nText adds to that several streams per token (AltUp) and a low-rank residual
// (Laurel). Source: modeling_gemma3n.py.
func gemma3nText(b *modelBuilder) {
	s := decoderStyle{tied: true, norms: 4, qkNorm: headQKNorm, pattern: fullEach(5)}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = d.headDim
	perLayer := b.perLayerEmbeddings(d)
	streams, rank := b.readRequired("altup_num_inputs"), b.readRequired("laurel_rank")
	b.repeatLayers(2*(streams-1), func() { b.addLinear("altup_projections", OtherPart, d.hidden, d.hidden, SplitNone) })
	shared := d.layers - b.readCount("num_kv_shared_layers")
	b.eachLayer(d.layers, func(layer int64) {
		b.addNorms(&s, d)
		b.addProjections(&s, d) // shared layers have theirs too, unused
		cache := Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim}
		if window := b.layerWindow(&s, layer); window > 0 {
			cache.Attention, cache.Window = SlidingAttention, window
		}
		if layer >= shared {
			cache = Cache{Attention: NoCache}
		}
		b.addCache(cache)
		b.addMLP(&s, "mlp", d.hidden, b.denseWidth(d, layer))
		b.addVector("altup.correct_output_scale", OtherPart, d.hidden, SplitNone)
		b.addMatrix("altup.correction_coefs", OtherPart, streams, streams, SplitNone)
		b.addMatrix("altup.prediction_coefs", OtherPart, streams*streams, streams, SplitNone)
		b.addMatrix("altup.modality_router", OtherPart, streams, d.hidden, SplitNone)
		b.addVector("altup.router_norm", OtherPart, d.hidden, SplitNone)
		b.addLinear("laurel.linear_left", OtherPart, rank, d.hidden, SplitNone)
		b.addLinear("laurel.linear_right", OtherPart, d.hidden, rank, SplitNone)
		b.addVector("laurel.post_laurel_norm", OtherPart, d.hidden, SplitNone)
		b.perLayerInput(d, perLayer)
	})
}
