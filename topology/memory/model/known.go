package model

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/topology/nearest"
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

// mostNear is how many names are suggested.
const mostNear = 3

// nearNames lists at most three names of the catalogue: those that differ in a few letters,
// and then those that share most words with name.
func nearNames(name string) []string {
	names := mistypedNames(name)
	for _, other := range sharingNames(name) {
		if len(names) < mostNear && !slices.Contains(names, other) {
			names = append(names, other)
		}
	}
	return names
}

// mistypedNames lists names of the catalogue that differ from name in a few letters, the
// nearest first. Names come from pods of anybody: few are compared, and no long ones.
func mistypedNames(name string) []string {
	const most, letters = 100, 3
	if len(name) > most {
		return nil
	}
	alike := slices.DeleteFunc(Names(), func(known string) bool {
		return len(known) < len(name)-letters || len(known) > len(name)+letters
	})
	near := nearest.Names(name, alike)
	return near[:min(len(near), mostNear)]
}

// sharingNames lists at most three names of the catalogue that share most words with name.
func sharingNames(name string) []string {
	type candidate struct {
		name  string
		score int
	}
	wanted := nameWords(name)
	var candidates []candidate
	for i, known := range sortedNames() {
		score := 0
		for _, word := range wordsOfNames()[i] {
			if slices.Contains(wanted, word) {
				score += len(word)
			}
		}
		if score >= 4 {
			candidates = append(candidates, candidate{known, score - len(known)/8})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return b.score - a.score })
	var names []string
	for _, c := range candidates[:min(mostNear, len(candidates))] {
		names = append(names, c.name)
	}
	return names
}

// wordsOfNames are the words of each of sortedNames.
var wordsOfNames = sync.OnceValue(func() [][]string {
	words := make([][]string, 0, len(sortedNames()))
	for _, name := range sortedNames() {
		words = append(words, nameWords(name))
	}
	return words
})

func nameWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("/-_. ", r) })
}
