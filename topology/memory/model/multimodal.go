package model

import (
	"strings"
)

// several is a model of several parts: a language model and what looks or listens.
type several struct {
	// text is the language model's model_type where config.json does not say.
	text string
	// vision is the tower's where config.json does not say.
	vision string
	// ownTower is a tower that goes by vision whatever config.json calls it.
	ownTower bool
	// project adds what stands between them. Outer and vision are their objects in
	// config.json.
	project func(b *builder, outer, vision *fields, hidden int64)
	// audio adds a part that listens.
	audio func(b *builder, audio *fields, hidden int64)
}

func multimodal(s several) func(*builder) { return s.build }

func (s several) build(b *builder) {
	outer := b.fields
	b.prefixes = languagePrefixes
	kind := s.text
	if inner := outer.language(); inner != nil {
		if named := inner.text("model_type"); named != "" {
			kind = strings.ToLower(named)
		}
		b.descend(inner)
	}
	language, known := b.families[kind]
	if !known {
		b.fail("model_type", "%q is not an architecture that is known here", kind)
		return
	}
	b.fields = b.withDefaults(kind)
	language(b)
	hidden := b.model.Hidden
	b.prefixes = []string{"model.vision_tower.", "vision_tower.", "vision_model.", "model.visual.", "visual."}
	vision := outer.object("vision_config")
	b.inside(Tower, func() {
		if vision != nil {
			s.see(b, outer, vision, hidden)
		}
		if audio := outer.object("audio_config"); audio != nil && s.audio != nil {
			b.fields = audio
			s.audio(b, audio, hidden)
		}
	})
	b.fields = outer
}

func (s several) see(b *builder, outer, vision *fields, hidden int64) {
	kind := strings.ToLower(vision.text("model_type"))
	if kind == "" || s.ownTower {
		kind = s.vision
	}
	tower, known := towers[kind]
	if !known {
		vision.fail("model_type", "%q is not a vision tower that is known here", kind)
		return
	}
	vision = vision.withDefaults(kind)
	b.fields = vision
	tower(b)
	if s.project != nil {
		s.project(b, outer, vision, hidden)
	}
}
