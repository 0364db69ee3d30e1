package model

import (
	"strings"
)

// multimodalParts is a model of several parts: a language model and what looks or listens.
type multimodalParts struct {
	// text is the language model's model_type where config.json does not say.
	text string
	// vision is the tower's where config.json does not say.
	vision string
	// ownTower is a tower that goes by vision whatever config.json calls it.
	ownTower bool
	// project adds what stands between them. Outer and vision are their objects in
	// config.json.
	project func(b *modelBuilder, outer, vision *configFields, hidden int64)
	// media says which pictures, videos and sounds the model takes.
	media mediaReader
	// audio adds a part that listens.
	audio func(b *modelBuilder, audio *configFields, hidden int64)
}

func multimodalModel(s multimodalParts) func(*modelBuilder) { return s.buildModel }

func (s multimodalParts) buildModel(b *modelBuilder) {
	outer := b.configFields
	b.prefixes = languagePrefixes
	kind := s.text
	if inner := outer.languageFields(); inner != nil {
		if named := inner.readText("model_type"); named != "" {
			kind = strings.ToLower(named)
		}
		b.descendInto(inner)
	}
	language, known := b.families[kind]
	if !known {
		b.addError("model_type", "%q is not an architecture that is known here", kind)
		return
	}
	b.configFields = b.withDefaults(kind)
	language(b)
	hidden := b.model.Hidden
	b.model.RotaryTables = b.readRotaryTables()
	b.prefixes = []string{"model.vision_tower.", "vision_tower.", "vision_model.", "model.visual.", "visual."}
	vision := outer.readObject("vision_config")
	b.insidePart(TowerPart, func() {
		if vision != nil {
			s.addVision(b, outer, vision, hidden)
		}
		if audio := outer.readObject("audio_config"); audio != nil && s.audio != nil {
			b.configFields = audio
			s.audio(b, audio, hidden)
		}
	})
	b.configFields = outer
}

func (s multimodalParts) addVision(b *modelBuilder, outer, vision *configFields, hidden int64) {
	kind := strings.ToLower(vision.readText("model_type"))
	if kind == "" || s.ownTower {
		kind = s.vision
	}
	name, tower := findTower(kind)
	if tower == nil {
		vision.addError("model_type", "%q is not a vision tower that is known here", kind)
		return
	}
	vision = vision.withDefaults(name)
	b.configFields = vision
	tower(b)
	if s.media != nil {
		b.model.Media = s.media(b, outer, vision)
	}
	if s.project != nil {
		s.project(b, outer, vision, hidden)
	}
}
