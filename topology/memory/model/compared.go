package model

// compared is a model that compares pictures with text, each with a tower.
func compared(text, vision string, join func(b *builder, text, vision *fields)) func(*builder) {
	return func(b *builder) {
		b.as(Encoder)
		outer := b.fields
		words, pixels := outer.object("text_config"), outer.object("vision_config")
		if words == nil || pixels == nil {
			b.fail("text_config, vision_config", "missing")
			return
		}
		words, pixels = words.withDefaults(text), pixels.withDefaults(vision)
		b.fields = words
		d := b.shape(&style{})
		b.matrix("text_model.token_embedding", Embedding, d.vocab, d.hidden, Vocabulary)
		b.matrix("text_model.position_embedding", Other, b.model.MaxPositions, d.hidden, Replicated)
		b.eachLayer(d.layers, func(int64) {
			b.encoderLayer(encoderLayer{hidden: d.hidden, ff: d.ff})
			b.caches(Cache{Attention: NoCache})
		})
		b.layerNorm("text_model.final_layer_norm", d.hidden, false)
		b.model.FeedForward = d.ff
		b.inside(Tower, func() {
			b.fields = pixels
			towers[vision](b)
		})
		b.fields = outer
		join(b, words, pixels)
	}
}

func clipProjections(b *builder, text, vision *fields) {
	width := b.dimension("projection_dim")
	if width == 0 {
		width = 512
	}
	b.linear("text_projection", Other, width, text.required("hidden_size"), Replicated)
	b.linear("visual_projection", Other, width, vision.required("hidden_size"), Replicated)
	b.vector("logit_scale", Other, 1, Replicated)
}

func siglipHead(b *builder, text, _ *fields) {
	hidden := text.required("hidden_size")
	out := hidden
	if stated := text.dimension("projection_size"); stated > 0 {
		out = stated
	}
	b.biased("text_model.head", Other, out, hidden, Replicated)
	b.vector("logit_scale", Other, 2, Replicated) // and logit_bias
}
