package model

import (
	"fmt"
	"strings"
)

// Parse reads the text of a Hugging Face config.json. Errors name the field.
func Parse(config []byte) (*Model, error) {
	f, err := decode(config)
	if err != nil {
		return nil, err
	}
	return build(f)
}

func build(f *fields) (*Model, error) {
	kind := strings.ToLower(f.text("model_type"))
	if *f.err != nil {
		return nil, *f.err
	}
	if kind == "" {
		return nil, fmt.Errorf("config.json: model_type: missing, so that the architecture is not known")
	}
	family, known := families[kind]
	if !known {
		return nil, fmt.Errorf("config.json: model_type: %q is not an architecture that is known here", kind)
	}
	b := newBuilder(f.withDefaults(kind))
	b.families = families
	b.model.Type = kind
	family(b)
	return b.finish()
}
