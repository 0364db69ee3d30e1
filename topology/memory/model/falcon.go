package model

// falcon has one or, in the new architecture, a few KV heads, layer norms, and
// attention beside rather than before its feed-forward layer.
func falcon(b *builder) {
	s := style{plainMLP: true, normBias: true, tied: true, feedForward: times(4)}
	if b.flag(false, "new_decoder_architecture") {
		s.norms = b.within(1, 2, []string{"num_ln_in_parallel_attn"})
		decoder(s)(b)
		return
	}
	if b.flag(true, "parallel_attn") {
		s.norms = 1
	}
	heads := any(nil) // as many as there are query heads
	if b.flag(true, "multi_query") {
		heads = one
	}
	b.fields = b.over(map[string]any{"num_kv_heads": heads})
	decoder(s)(b)
}
