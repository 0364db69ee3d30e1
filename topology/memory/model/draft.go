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
func (b *modelBuilder) draftLayers(s *decoderStyle, d attentionShape, moe *expertMixture) {
	n := b.readWithin(0, 16, []string{"num_nextn_predict_layers", "mtp_num_hidden_layers"})
	b.model.DraftLayers = n
	for range n {
		b.insidePart(DraftPart, func() { b.draftLayer(s, d, moe) })
	}
}

func (b *modelBuilder) draftLayer(s *decoderStyle, d attentionShape, moe *expertMixture) {
	b.index = d.layers
	active, width := b.model.ActiveExperts, b.model.FeedForward
	b.addNorms(s, d)
	if b.hasKey("kv_lora_rank") {
		b.latentAttention(d)
	} else {
		b.addProjections(s, d)
	}
	if moe != nil {
		moe.addTo(b, d)
	} else {
		b.addMLP(s, "mlp", d.hidden, d.ff)
	}
	b.model.ActiveExperts, b.model.FeedForward = active, width
	b.addMatrix("eh_proj", DraftPart, d.hidden, 2*d.hidden, SplitNone)
	for _, name := range []string{"enorm", "hnorm", "norm"} {
		b.addNorm(s, name, d.hidden)
	}
	if s.draft == ownDraft {
		b.addMatrix("embed_tokens", DraftPart, d.vocab, d.hidden, SplitVocabulary)
		b.addMatrix("shared_head.head", DraftPart, d.vocab, d.hidden, SplitVocabulary)
	}
}
