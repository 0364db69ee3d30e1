package model

// draftKind is how a family's draft layers begin and end.
type draftKind int8

const (
	// ownDraft has its own embedding and head, as DeepSeek V3.
	ownDraft draftKind = iota
	// sharedDraft takes the model's embedding and head, as Qwen3-Next.
	sharedDraft
)

// draftLayers adds multi-token prediction layers, which stand in the files and are
// loaded for speculative decoding only: a layer like the last, and a matrix that
// joins two hidden vectors.
func (b *builder) draftLayers(s *style, d shape, moe *mixture) {
	n := b.within(0, 16, []string{"num_nextn_predict_layers", "mtp_num_hidden_layers"})
	b.model.DraftLayers = n
	for range n {
		b.inside(Draft, func() { b.draftLayer(s, d, moe) })
	}
}

func (b *builder) draftLayer(s *style, d shape, moe *mixture) {
	b.index = d.layers
	active, width := b.model.ActiveExperts, b.model.FeedForward
	b.norms(s, d)
	if b.has("kv_lora_rank") {
		b.latentAttention(d)
	} else {
		b.projections(s, d)
	}
	if moe != nil {
		moe.add(b, d)
	} else {
		b.mlp(s, "mlp", d.hidden, d.ff)
	}
	b.model.ActiveExperts, b.model.FeedForward = active, width
	b.matrix("eh_proj", Draft, d.hidden, 2*d.hidden, Replicated)
	for _, name := range []string{"enorm", "hnorm", "norm"} {
		b.norm(s, name, d.hidden)
	}
	if s.draft == ownDraft {
		b.matrix("embed_tokens", Draft, d.vocab, d.hidden, Vocabulary)
		b.matrix("shared_head.head", Draft, d.vocab, d.hidden, Vocabulary)
	}
}
