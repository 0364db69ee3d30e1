package model

// Mixtures of experts whose config.json or layers are unlike the others'.

// dbrx keeps the shape of its experts and of its attention in objects of their own,
// and has layer norms without bias.
func dbrx(b *builder) {
	if experts := b.object("ffn_config"); experts != nil {
		b.fields = b.over(map[string]any{
			"moe_num_experts": experts.values["moe_num_experts"],
			"moe_top_k":       experts.values["moe_top_k"],
			"ffn_hidden_size": experts.values["ffn_hidden_size"],
		})
	}
	if attention := b.object("attn_config"); attention != nil {
		b.fields = b.over(map[string]any{"kv_n_heads": attention.values["kv_n_heads"]})
	}
	decoder(style{})(b)
}

// afmoe is Arcee's: gated attention, four norms, and a router that is balanced.
func afmoe(b *builder) {
	s := style{qkNorm: headQKNorm, norms: 4, correction: true, pattern: fullEach(4)}
	s.extra = func(b *builder, d shape, _ int64) {
		b.linear("self_attn.gate_proj", AttentionPart, d.heads*d.headDim, d.hidden, Rows)
	}
	decoder(s)(b)
}

// longcat has two latent attentions and two dense layers around the experts of each
// layer; some of its experts do nothing and have no weights. Source:
// modeling_longcat_flash.py.
func longcat(b *builder) {
	s := style{norms: 4, correction: true}
	width := b.required("ffn_hidden_size")
	if b.has("num_layers") {
		b.fields = b.over(map[string]any{"num_hidden_layers": b.values["num_layers"]})
	}
	d := b.shape(&s)
	b.outer(&s, d)
	b.model.RotaryDim = b.rotary(d.headDim)
	moe := b.mixture(d)
	if moe == nil {
		b.fail("n_routed_experts", "missing")
		return
	}
	b.eachLayer(d.layers, func(int64) {
		b.norms(&s, d)
		for range 2 {
			b.latentAttention(d)
			b.mlp(&s, "mlps", d.hidden, width)
		}
		idle := b.count("zero_expert_num")
		b.matrix("mlp.router.zero", Other, idle, d.hidden, Replicated)
		b.vector("mlp.router.zero.bias", Other, idle, Replicated)
		moe.correction = true
		moe.add(b, d)
	})
	b.model.DraftLayers = b.within(0, 16, []string{"num_nextn_predict_layers"})
	b.times(b.model.DraftLayers, func() {
		b.inside(Draft, func() { // dense, with an embedding of its own
			b.norms(&style{norms: 5}, d)
			b.latentAttention(d)
			b.feedForward("mlp", MLP, d.hidden, width, true, false)
			b.matrix("eh_proj", Draft, d.hidden, 2*d.hidden, Replicated)
			b.matrix("embed_tokens", Draft, d.vocab, d.hidden, Vocabulary)
		})
	})
}

// step3 is multi-matrix factorised attention: queries share a narrow projection, and
// there is one KV head. Source: modeling_step3.py of stepfun-ai/step3.
func step3(b *builder) {
	share, groups := b.required("share_q_dim"), b.required("num_attention_groups")
	values := map[string]any{"num_key_value_heads": number(groups), "n_shared_experts": one}
	b.fields = b.over(values)
	s := style{mixer: func(b *builder, _ *style, d shape, _ int64) bool {
		b.linear("self_attn.q_proj", AttentionPart, share, d.hidden, Replicated)
		b.vector("self_attn.inter_norm", Other, share, Replicated)
		b.linear("self_attn.wq", AttentionPart, d.heads*d.headDim, share, Rows)
		for _, name := range []string{"k_proj", "v_proj"} {
			b.linear("self_attn."+name, AttentionPart, d.kvHeads*d.headDim, d.hidden, KVHeads).Heads = d.kvHeads
		}
		b.linear("self_attn.o_proj", AttentionPart, d.hidden, d.heads*d.headDim, Columns)
		b.caches(Cache{Attention: Full, KVHeads: d.kvHeads, KeyDim: d.headDim, ValueDim: d.headDim})
		return true
	}}
	decoder(s)(b)
}
