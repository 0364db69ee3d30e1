package model

// buildFalcon builds Falcon, which has one or, in the new architecture, a few KV heads, layer norms, and
// attention beside rather than before its feed-forward layer.
func buildFalcon(b *modelBuilder) {
	s := decoderStyle{plainMLP: true, normBias: true, tied: true, feedForward: timesHidden(4)}
	if b.readFlag(false, "new_decoder_architecture") {
		s.norms = b.readWithin(1, 2, []string{"num_ln_in_parallel_attn"})
		decoderModel(s)(b)
		return
	}
	if b.readFlag(true, "parallel_attn") {
		s.norms = 1
	}
	heads := any(nil) // as many as there are query heads
	if b.readFlag(true, "multi_query") {
		heads = jsonOne
	}
	b.configFields = b.withValuesOver(map[string]any{"num_kv_heads": heads})
	decoderModel(s)(b)
}
