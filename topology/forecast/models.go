package forecast

import (
	"fmt"
	"slices"
	"strings"
)

// maxModels is how many models a modelSet can tell apart.
const maxModels = 64

// maxResolved bounds the lists of models whose sets are kept: more than anybody uses.
const maxResolved = 10_000

// modelSet is a set of a cluster's GPU models: bit i is model i.
type modelSet uint64

func (s modelSet) hasModel(model int) bool { return model >= 0 && s>>uint(model)&1 == 1 }

// modelIndex numbers the GPU models of a cluster, in the order of their names.
type modelIndex struct {
	names []string
	// resolved caches acceptedModels.
	resolved map[string]modelSet
}

func newModelIndex(nodes []NodeCapacity) (*modelIndex, error) {
	m := &modelIndex{resolved: map[string]modelSet{}}
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

// NoModel is the number of the model of a node without GPUs.
const NoModel = -1

// numberOf is the number of a model, NoModel for one that the cluster lacks.
func (m *modelIndex) numberOf(name string) int {
	i, found := slices.BinarySearch(m.names, name)
	if !found {
		return NoModel
	}
	return i
}

// acceptedModels is the set of models that a class names. Names that the cluster lacks
// accept nothing.
func (m *modelIndex) acceptedModels(names string) modelSet {
	if names == AnyModel {
		return ^modelSet(0)
	}
	if set, found := m.resolved[names]; found {
		return set
	}
	var set modelSet
	for name := range strings.SplitSeq(names, ModelSeparator) {
		if i := m.numberOf(name); i >= 0 {
			set |= 1 << uint(i)
		}
	}
	if len(m.resolved) >= maxResolved {
		clear(m.resolved)
	}
	m.resolved[names] = set
	return set
}
