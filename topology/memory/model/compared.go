package model

// comparedTowers is a model that compares pictures with text, each with a tower.
func comparedTowers(text, vision string, join func(b *modelBuilder, text, vision *configFields)) func(*modelBuilder) {
	return func(b *modelBuilder) {
		b.setKind(EncoderKind)
		outer := b.configFields
		words, pixels := outer.readObject("text_config"), outer.readObject("vision_config")
		if words == nil || pixels == nil {
			b.addError("text_config, vision_config", "missing")
			return
		}
		words, pixels = words.withDefaults(text), pixels.withDefaults(vision)
		b.configFields = words
		d := b.readShape(&decoderStyle{})
		b.addMatrix("text_model.token_embedding", EmbeddingPart, d.vocab, d.hidden, SplitVocabulary)
		b.addMatrix("text_model.position_embedding", OtherPart, b.model.MaxPositions, d.hidden, SplitNone)
		b.eachLayer(d.layers, func(int64) {
			b.encoderLayer(encoderLayer{hidden: d.hidden, ff: d.ff})
			b.addCache(Cache{Attention: NoCache})
		})
		b.layerNorm("text_model.final_layer_norm", d.hidden, false)
		b.model.FeedForward = d.ff
		b.insidePart(TowerPart, func() {
			b.configFields = pixels
			visionTowers[vision](b)
		})
		b.configFields = outer
		join(b, words, pixels)
	}
}

func clipProjections(b *modelBuilder, text, vision *configFields) {
	width := b.readDimension("projection_dim")
	if width == 0 {
		width = 512
	}
	b.addLinear("text_projection", OtherPart, width, text.readRequired("hidden_size"), SplitNone)
	b.addLinear("visual_projection", OtherPart, width, vision.readRequired("hidden_size"), SplitNone)
	b.addVector("logit_scale", OtherPart, 1, SplitNone)
}

func siglipHead(b *modelBuilder, text, _ *configFields) {
	hidden := text.readRequired("hidden_size")
	out := hidden
	if stated := text.readDimension("projection_size"); stated > 0 {
		out = stated
	}
	b.addBiased("text_model.head", OtherPart, out, hidden, SplitNone)
	b.addVector("logit_scale", OtherPart, 2, SplitNone) // and logit_bias
}
