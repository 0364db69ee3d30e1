package model

// Decoder-only families whose config.json needs a look before they are Llama-like.

var (
	gemma3Style  = decoderStyle{tied: true, norms: 4, qkNorm: headQKNorm, pattern: fullEach(6)}
	cohereStyle  = decoderStyle{tied: true, norms: 1, qkNorm: fullQKNorm, qkNormAsked: true, pattern: fullEach(4)}
	hunyuanStyle = decoderStyle{qkNorm: headQKNorm, qkNormAsked: true}
	gpt2Style    = decoderStyle{qkvBias: true, outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true,
		positions: rowCount(0), feedForward: timesHidden(4)}
	bloomStyle = decoderStyle{qkvBias: true, outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true, noRotary: true,
		embeddingNorm: true, feedForward: timesHidden(4)}
)

// buildQwen builds the first Qwen: c_attn has a bias, and intermediate_size counts the two
// matrices that are multiplied into the third.
func buildQwen(b *modelBuilder) {
	width := b.readDimension("intermediate_size")
	b.configFields = b.withValuesOver(map[string]any{"intermediate_size": jsonNumber(width / 2)})
	decoderModel(decoderStyle{qkvBias: true, plainOut: true})(b)
}

// learnedActivation are the two numbers of Apertus' xIELU.
func learnedActivation(b *modelBuilder, _ attentionShape, _ int64) {
	b.addVector("mlp.act_fn", OtherPart, 2, SplitNone)
}

// stableLM has a layer norm for each head, and one less per layer where attention
// and feed-forward are beside one another.
func stableLM(b *modelBuilder) {
	s := decoderStyle{normBias: true, qkNorm: fullQKNorm, qkNormAsked: true}
	if b.readFlag(false, "use_parallel_residual") {
		s.norms = 1
	}
	decoderModel(s)(b)
}

// gptNeo looks at 256 tokens in every other layer, and has a bias everywhere but in
// q, k and v.
func gptNeo(b *modelBuilder) {
	local := func(_ *modelBuilder, layer int64) bool { return layer%2 == 1 }
	decoderModel(decoderStyle{outBias: true, mlpBias: true, plainMLP: true, normBias: true, tied: true, positions: rowCount(0),
		feedForward: timesHidden(4), pattern: local})(b)
}

// gptBigCode is GPT-2 with one KV head.
func gptBigCode(b *modelBuilder) {
	if b.readFlag(true, "multi_query") {
		b.configFields = b.withValuesOver(map[string]any{"num_key_value_heads": jsonOne})
	}
	decoderModel(gpt2Style)(b)
}

// buildMPT builds MPT, which has no biases, and norms without them, where no_bias says so.
func buildMPT(b *modelBuilder) {
	bias := !b.readFlag(false, "no_bias")
	s := decoderStyle{qkvBias: bias, outBias: bias, mlpBias: bias, normBias: bias, plainMLP: true, tied: true, noRotary: true}
	ratio := b.readDimension("expansion_ratio")
	s.feedForward = timesHidden(max(ratio, 1))
	if ratio == 0 {
		s.feedForward = timesHidden(4)
	}
	alibi := false
	if attention := b.readObject("attn_config"); attention != nil {
		alibi = attention.readFlag(false, "alibi")
		if attention.readText("attn_type") == "multiquery_attention" {
			b.configFields = b.withValuesOver(map[string]any{"kv_n_heads": jsonOne})
		} else {
			b.configFields = b.withValuesOver(map[string]any{"kv_n_heads": attention.values["kv_n_heads"]})
		}
	}
	if !alibi && b.readFlag(true, "learned_pos_emb") {
		s.positions = rowCount(0)
	}
	decoderModel(s)(b)
}

// buildOPT builds OPT, which has a table of positions with two rows more; its 350m has a narrower embedding
// and norms after rather than before each layer.
func buildOPT(b *modelBuilder) {
	bias := b.readFlag(true, "enable_bias")
	s := decoderStyle{qkvBias: bias, outBias: bias, mlpBias: bias, plainMLP: true, normBias: true, tied: true, positions: rowCount(2)}
	s.noFinalNorm = !b.readFlag(true, "do_layer_norm_before")
	hidden, narrow := b.readRequired("hidden_size"), b.readDimension("word_embed_proj_dim")
	if narrow > 0 && narrow != hidden {
		s.narrow = narrow
	}
	decoderModel(s)(b)
}

// chatGLM names its KV heads only where they are fewer, and rotates half a head.
func chatGLM(b *modelBuilder) {
	values := map[string]any{"rotary_pct": jsonHalf}
	if !b.readFlag(false, "multi_query_attention") {
		values["multi_query_group_num"] = nil
	}
	if !b.readFlag(true, "rmsnorm") {
		b.addError("rmsnorm", "false is not known")
	}
	b.configFields = b.withValuesOver(values)
	bias := b.readFlag(false, "add_bias_linear")
	decoderModel(decoderStyle{outBias: bias, mlpBias: bias, noFinalNorm: !b.readFlag(true, "post_layer_norm")})(b)
}
