package model

// Decoder-only families whose config.json needs a look before they are Llama-like.

var (
	gemma3  = style{tied: true, norms: 4, qkNorm: headQKNorm, pattern: fullEach(6)}
	cohere  = style{tied: true, norms: 1, qkNorm: fullQKNorm, qkNormAsked: true, pattern: fullEach(4)}
	hunyuan = style{qkNorm: headQKNorm, qkNormAsked: true}
	gpt2    = style{qkvBias: true, outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true, positions: rows(0), feedForward: times(4)}
	bloom   = style{qkvBias: true, outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true, noRotary: true, embeddingNorm: true, feedForward: times(4)}
)

// qwen is the first Qwen: c_attn has a bias, and intermediate_size counts the two
// matrices that are multiplied into the third.
func qwen(b *builder) {
	width := b.dimension("intermediate_size")
	b.fields = b.over(map[string]any{"intermediate_size": number(width / 2)})
	decoder(style{qkvBias: true, plainOut: true})(b)
}

// learnedActivation are the two numbers of Apertus' xIELU.
func learnedActivation(b *builder, _ shape, _ int64) {
	b.vector("mlp.act_fn", Other, 2, Replicated)
}

// stableLM has a layer norm for each head, and one less per layer where attention
// and feed-forward are beside one another.
func stableLM(b *builder) {
	s := style{normBias: true, qkNorm: fullQKNorm, qkNormAsked: true}
	if b.flag(false, "use_parallel_residual") {
		s.norms = 1
	}
	decoder(s)(b)
}

// gptNeo looks at 256 tokens in every other layer, and has a bias everywhere but in
// q, k and v.
func gptNeo(b *builder) {
	local := func(_ *builder, layer int64) bool { return layer%2 == 1 }
	decoder(style{outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true, positions: rows(0), feedForward: times(4), pattern: local})(b)
}

// gptBigCode is GPT-2 with one KV head.
func gptBigCode(b *builder) {
	if b.flag(true, "multi_query") {
		b.fields = b.over(map[string]any{"num_key_value_heads": one})
	}
	decoder(gpt2)(b)
}

// mpt has no biases, and norms without them, where no_bias says so.
func mpt(b *builder) {
	bias := !b.flag(false, "no_bias")
	s := style{qkvBias: bias, outBias: bias, mlpBias: bias, normBias: bias, plainMLP: true, tied: true, noRotary: true}
	ratio := b.dimension("expansion_ratio")
	s.feedForward = times(max(ratio, 1))
	if ratio == 0 {
		s.feedForward = times(4)
	}
	alibi := false
	if attention := b.object("attn_config"); attention != nil {
		alibi = attention.flag(false, "alibi")
		if attention.text("attn_type") == "multiquery_attention" {
			b.fields = b.over(map[string]any{"kv_n_heads": one})
		} else {
			b.fields = b.over(map[string]any{"kv_n_heads": attention.values["kv_n_heads"]})
		}
	}
	if !alibi && b.flag(true, "learned_pos_emb") {
		s.positions = rows(0)
	}
	decoder(s)(b)
}

// opt has a table of positions with two rows more; its 350m has a narrower embedding
// and norms after rather than before each layer.
func opt(b *builder) {
	bias := b.flag(true, "enable_bias")
	s := style{qkvBias: bias, outBias: bias, mlpBias: bias, plainMLP: true, normBias: true, tied: true, positions: rows(2)}
	s.noFinalNorm = !b.flag(true, "do_layer_norm_before")
	hidden, narrow := b.required("hidden_size"), b.dimension("word_embed_proj_dim")
	if narrow > 0 && narrow != hidden {
		s.narrow = narrow
	}
	decoder(s)(b)
}

// chatGLM names its KV heads only where they are fewer, and rotates half a head.
func chatGLM(b *builder) {
	values := map[string]any{"rotary_pct": half}
	if !b.flag(false, "multi_query_attention") {
		values["multi_query_group_num"] = nil
	}
	if !b.flag(true, "rmsnorm") {
		b.fail("rmsnorm", "false is not known")
	}
	b.fields = b.over(values)
	bias := b.flag(false, "add_bias_linear")
	decoder(style{outBias: bias, mlpBias: bias, noFinalNorm: !b.flag(true, "post_layer_norm")})(b)
}
