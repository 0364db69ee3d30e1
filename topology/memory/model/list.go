package model

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// CatalogueModel is a model of the catalogue with the other names of it.
type CatalogueModel struct {
	Name string
	// Aliases are names of models that are equal in shape and format, sorted.
	Aliases []string
}

// catalogueModels are the models with a config.json of their own, sorted by name.
var catalogueModels = sync.OnceValue(func() []CatalogueModel {
	all, err := knownModels()
	if err != nil {
		panic(err) // the embedded files are tested
	}
	aliases := map[string][]string{}
	var names []string
	for key, known := range all {
		if of := aliasRoot(all, key); of != key {
			aliases[of] = append(aliases[of], known.name)
			continue
		}
		names = append(names, known.name)
	}
	slices.Sort(names)
	models := make([]CatalogueModel, 0, len(names))
	for _, name := range names {
		other := aliases[strings.ToLower(name)]
		slices.Sort(other)
		models = append(models, CatalogueModel{Name: name, Aliases: other})
	}
	return models
})

// aliasRoot is the key of the model whose config.json a model has.
func aliasRoot(all map[string]catalogueEntry, key string) string {
	for range 4 { // aliases of aliases
		var alias string
		known, found := all[key]
		if !found || len(known.config) == 0 || known.config[0] != '"' || json.Unmarshal(known.config, &alias) != nil {
			break
		}
		key = strings.ToLower(alias)
	}
	return key
}

// ListModels lists the names of the catalogue that have all of the words in them, whatever their case, each
// with the others of the same shape and format.
func ListModels(words ...string) []CatalogueModel {
	var found []CatalogueModel
	for _, m := range catalogueModels() {
		names := append([]string{m.Name}, m.Aliases...)
		for i, name := range names {
			if !hasWords(name, words) {
				continue
			}
			found = append(found, CatalogueModel{Name: name, Aliases: slices.Delete(slices.Clone(names), i, i+1)})
		}
	}
	slices.SortFunc(found, func(a, b CatalogueModel) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return found
}

func hasWords(name string, words []string) bool {
	lower := strings.ToLower(name)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(lower, strings.ToLower(word)) })
}

// HasAttention reports whether a layer of the model attends in one of some ways.
func (m *Model) HasAttention(kinds ...Attention) bool {
	return slices.ContainsFunc(m.Layers, func(layer Layer) bool {
		return slices.ContainsFunc(layer.Caches, func(c Cache) bool { return slices.Contains(kinds, c.Attention) })
	})
}
