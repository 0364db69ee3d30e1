package model

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// knownFiles holds one file per organisation: an object from model name to what of its
// config.json decides memory, or to the name of a model of the same architecture.
//
//go:embed known/*.json
var knownFiles embed.FS

// catalogueEntry is a model of the catalogue, as its publisher spells it.
type catalogueEntry struct {
	name   string
	config json.RawMessage
}

// knownModels is by name in lower case.
var knownModels = sync.OnceValues(func() (map[string]catalogueEntry, error) {
	entries, err := knownFiles.ReadDir("known")
	if err != nil {
		return nil, err
	}
	all := map[string]catalogueEntry{}
	for _, file := range entries {
		text, err := knownFiles.ReadFile(path.Join("known", file.Name()))
		if err != nil {
			return nil, err
		}
		var models map[string]json.RawMessage
		if err := json.Unmarshal(text, &models); err != nil {
			return nil, fmt.Errorf("known/%s: %w", file.Name(), err)
		}
		for name, config := range models {
			all[strings.ToLower(name)] = catalogueEntry{name, config}
		}
	}
	return all, nil
})

// sortedNames are the models of the catalogue, as their publishers spell them.
var sortedNames = sync.OnceValue(func() []string {
	all, err := knownModels()
	if err != nil {
		panic(err) // the embedded files are tested
	}
	names := make([]string, 0, len(all))
	for _, known := range all {
		names = append(names, known.name)
	}
	slices.Sort(names)
	return names
})

// Names lists the models of the catalogue, as their publishers spell them, sorted.
func Names() []string { return slices.Clone(sortedNames()) }

// Config is what the catalogue keeps of a model's config.json. Letter case does not
// matter, and the organisation may be left out where one model has that name.
func Config(name string) ([]byte, bool) {
	all, err := knownModels()
	if err != nil {
		panic(err)
	}
	key := strings.ToLower(name)
	if _, exact := all[key]; !exact && !strings.Contains(key, "/") {
		var matches []string
		for full := range all {
			if path.Base(full) == key {
				matches = append(matches, full)
			}
		}
		if len(matches) == 0 {
			return nil, false
		}
		// Copies under other organisations share an architecture: any will do, so
		// long as it is always the same.
		key = slices.Min(matches)
	}
	for range 4 { // aliases of aliases
		known, found := all[key]
		if !found {
			return nil, false
		}
		if known.config[0] != '"' {
			return known.config, true
		}
		var alias string
		if json.Unmarshal(known.config, &alias) != nil {
			return known.config, true
		}
		key = strings.ToLower(alias)
	}
	return nil, false
}

// builtModels has the models that Known built, by what the catalogue keeps of them: a
// scheduler asks for the same few again and again.
var builtModels sync.Map // string to *Model

// Known is a model of the catalogue by its name on the Hugging Face hub. The error says
// which names come near. The model shares its layers and tensors with others of its kind:
// they must not be changed.
func Known(name string) (*Model, error) {
	config, found := Config(name)
	if !found {
		return nil, &UnknownModel{Name: name, Near: nearNames(name)}
	}
	built, found := builtModels.Load(string(config))
	if !found {
		m, err := Parse(config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		built, _ = builtModels.LoadOrStore(string(config), m)
	}
	m := *built.(*Model) //nolint:forcetypeassert // nothing else is stored
	m.Name = name
	return &m, nil
}

// UnknownModel is a model that the catalogue lacks.
type UnknownModel struct {
	Name string
	Near []string
}

func (e *UnknownModel) Error() string {
	text := fmt.Sprintf("model %q is not in the catalogue", e.Name)
	if len(e.Near) > 0 {
		text += "; near it are " + strings.Join(e.Near, ", ")
	}
	return text
}
