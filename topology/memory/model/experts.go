package model

// Mixtures of experts whose config.json or layers are unlike the others'.

// buildDBRX builds DBRX, whose config.json keeps the shape of its experts and of its attention in objects of their own,
// and has layer norms without bias.
func buildDBRX(b *modelBuilder) {
	if experts := b.readObject("ffn_config"); experts != nil {
		b.configFields = b.withValuesOver(map[string]any{
			"moe_num_experts": experts.values["moe_num_experts"],
			"moe_top_k":       experts.values["moe_top_k"],
			"ffn_hidden_size": experts.values["ffn_hidden_size"],
		})
	}
	if attention := b.readObject("attn_config"); attention != nil {
		b.configFields = b.withValuesOver(map[string]any{"kv_n_heads": attention.values["kv_n_heads"]})
	}
	decoderModel(decoderStyle{})(b)
}

// buildAfmoe builds Arcee's AFMoE: gated attention, four norms, and a router that is balanced.
func buildAfmoe(b *modelBuilder) {
	s := decoderStyle{qkNorm: headQKNorm, norms: 4, correction: true, pattern: fullEach(4)}
	s.extra = func(b *modelBuilder, d attentionShape, _ int64) {
		b.addLinear("self_attn.gate_proj", AttentionPart, d.heads*d.headDim, d.hidden, SplitRows)
	}
	decoderModel(s)(b)
}

// buildLongcat builds LongCat, which has two latent attentions and two dense layers around the experts of each
// layer; some of its experts do nothing and have no weights. Source:
// modeling_longcat_flash.py.
func buildLongcat(b *modelBuilder) {
	s := decoderStyle{norms: 4, correction: true}
	width := b.readRequired("ffn_hidden_size")
	if b.hasKey("num_layers") {
		b.configFields = b.withValuesOver(map[string]any{"num_hidden_layers": b.values["num_layers"]})
	}
	d := b.readShape(&s)
	b.addOuterTensors(&s, d)
	b.model.RotaryDim = b.rotaryWidth(d.headDim)
	moe := b.readMixture(d)
	if moe == nil {
		b.addError("n_routed_experts", "missing")
		return
	}
	b.eachLayer(d.layers, func(int64) {
		b.addNorms(&s, d)
		for range 2 {
			b.latentAttention(d)
			b.addMLP(&s, "mlps", d.hidden, width)
		}
		idle := b.readCount("zero_expert_num")
		b.addMatrix("mlp.router.zero", OtherPart, idle, d.hidden, SplitNone)
		b.addVector("mlp.router.zero.bias", OtherPart, idle, SplitNone)
		moe.correction = true
		moe.addTo(b, d)
	})
	b.model.DraftLayers = b.readWithin(0, 16, []string{"num_nextn_predict_layers"})
	b.repeatLayers(b.model.DraftLayers, func() {
		b.insidePart(DraftPart, func() { // dense, with an embedding of its own
			b.addNorms(&decoderStyle{norms: 5}, d)
			b.latentAttention(d)
			b.feedForward("mlp", MLPPart, d.hidden, width, true, false)
			b.addMatrix("eh_proj", DraftPart, d.hidden, 2*d.hidden, SplitNone)
			b.addMatrix("embed_tokens", DraftPart, d.vocab, d.hidden, SplitVocabulary)
		})
	})
}

// buildStep3 builds Step 3, with multi-matrix factorised attention: queries share a narrow projection, and
// there is one KV head. Source: modeling_step3.py of stepfun-ai/step3.
func buildStep3(b *modelBuilder) {
	share, groups := b.readRequired("share_q_dim"), b.readRequired("num_attention_groups")
	values := map[string]any{"num_key_value_heads": jsonNumber(groups), "n_shared_experts": jsonOne}
	b.configFields = b.withValuesOver(values)
	s := decoderStyle{mixer: func(b *modelBuilder, _ *decoderStyle, d attentionShape, _ int64) bool {
		b.addLinear("self_attn.q_proj", AttentionPart, share, d.hidden, SplitNone)
		b.addVector("self_attn.inter_norm", OtherPart, share, SplitNone)
		b.addLinear("self_attn.wq", AttentionPart, d.heads*d.headDim, share, SplitRows)
		for _, name := range []string{"k_proj", "v_proj"} {
			b.addLinear("self_attn."+name, AttentionPart, d.kvHeads*d.headDim, d.hidden, SplitKVHeads).Heads = d.kvHeads
		}
		b.addLinear("self_attn.o_proj", AttentionPart, d.hidden, d.heads*d.headDim, SplitColumns)
		b.addCache(Cache{Attention: FullAttention, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim})
		return true
	}}
	decoderModel(s)(b)
}
