package plan

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// OverrideConfig is a model with changes to its config.json, as vLLM's --hf-overrides
// makes them: values replace those of the same name, in nested objects too. It returns
// the changed config.json as well. It fails if there is none to change.
func OverrideConfig(m *model.Model, config []byte, overrides map[string]any) (*model.Model, []byte, error) {
	if config == nil {
		return nil, nil, errors.New("changes the architecture, and there is no config.json to change")
	}
	text, err := mergeJSON(config, overrides)
	if err != nil {
		return nil, nil, err
	}
	changed, err := model.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	changed.Name = m.Name
	return changed, text, nil
}

// mergeJSON is a JSON object with some of its values replaced, nested ones too.
func mergeJSON(text []byte, overrides map[string]any) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var values map[string]any
	if err := decoder.Decode(&values); err != nil {
		return nil, err
	}
	replaceValues(values, overrides)
	return json.Marshal(values)
}

func replaceValues(values, overrides map[string]any) {
	for key, value := range overrides {
		inner, nested := value.(map[string]any)
		if existing, found := values[key].(map[string]any); nested && found {
			replaceValues(existing, inner)
			continue
		}
		values[key] = value
	}
}
