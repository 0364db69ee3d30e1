package model

import (
	"bytes"
	"encoding/json"
)

// defaults are what Transformers leaves out of a config.json because its
// configuration class assumes it. Only for classes on whose defaults published
// models rely. Source: configuration_<type>.py of the same names.
var defaults = map[string]string{}

// withDefaults fills in what a model_type leaves out.
func (f *fields) withDefaults(kind string) *fields {
	text, ok := defaults[kind]
	if !ok {
		return f
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		f.fail("model_type", "the defaults of %s: %v", kind, err)
	}
	return f.under(values)
}
