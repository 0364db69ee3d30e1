package model

import (
	"fmt"
	"strings"
)

// Parse reads the text of a Hugging Face config.json. Errors name the field.
func Parse(config []byte) (*Model, error) {
	f, err := decodeConfig(config)
	if err != nil {
		return nil, err
	}
	return buildModel(f)
}

func buildModel(f *configFields) (*Model, error) {
	kind := strings.ToLower(f.readText("model_type"))
	if *f.err != nil {
		return nil, *f.err
	}
	if kind == "" {
		return nil, fmt.Errorf("config.json: model_type: missing, so that the architecture is not known")
	}
	family, known := modelFamilies[kind]
	if !known {
		return nil, fmt.Errorf("config.json: model_type: %q is not an architecture that is known here", kind)
	}
	b := newBuilder(f.withDefaults(kind))
	b.families = modelFamilies
	b.model.Type = kind
	family(b)
	return b.finishModel()
}
