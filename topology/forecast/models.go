package forecast

import (
	"fmt"
	"slices"
	"strings"
)

// maxModels is how many models a modelSet can tell apart.
const maxModels = 64

// modelSet is a set of a cluster's GPU models: bit i is model i.
type modelSet uint64

func (s modelSet) has(model int) bool { return model >= 0 && s>>uint(model)&1 == 1 }

// models numbers the GPU models of a cluster, in the order of their names.
type models struct {
	names []string
	// resolved remembers accepted.
	resolved map[string]modelSet
}

func newModels(nodes []Capacity) (*models, error) {
	m := &models{resolved: map[string]modelSet{}}
	seen := map[string]bool{}
	for _, node := range nodes {
		if node.GPUs == 0 || seen[node.Model] {
			continue
		}
		if node.Model == AnyModel || strings.Contains(node.Model, ModelSeparator) {
			return nil, fmt.Errorf("node %s: GPU model %q: want a name without %q", node.Name, node.Model, ModelSeparator)
		}
		seen[node.Model] = true
		m.names = append(m.names, node.Model)
	}
	if len(m.names) > maxModels {
		return nil, fmt.Errorf("%d GPU models in one cluster, at most %d are supported", len(m.names), maxModels)
	}
	slices.Sort(m.names)
	return m, nil
}

// none is the model of a node without GPUs.
const none = -1

// number is the number of a model, none for one that the cluster lacks.
func (m *models) number(name string) int {
	i, found := slices.BinarySearch(m.names, name)
	if !found {
		return none
	}
	return i
}

// accepted is the set of models that a class names. Names that the cluster lacks
// accept nothing.
func (m *models) accepted(names string) modelSet {
	if names == AnyModel {
		return ^modelSet(0)
	}
	if set, found := m.resolved[names]; found {
		return set
	}
	var set modelSet
	for name := range strings.SplitSeq(names, ModelSeparator) {
		if i := m.number(name); i >= 0 {
			set |= 1 << uint(i)
		}
	}
	const many = 10_000 // more ways to name models than anybody uses: do not keep them all
	if len(m.resolved) >= many {
		clear(m.resolved)
	}
	m.resolved[names] = set
	return set
}
