package training

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// modelStates are what all GPUs hold together of a model that is trained once.
type modelStates struct {
	// trained is how many numbers are updated.
	trained                             int64
	weights, gradients, master, moments topology.Bytes
	// outer is what the weights outside of layers take, layer what the largest layer does.
	outer, layer topology.Bytes
}

// tensorWidth is how many bytes a number of the weights, and of their gradients, takes.
func (s *Settings) tensorWidth() int64 {
	if s.Precision == SinglePrecision {
		return 4
	}
	return 2
}

// momentWidth is how many bytes one moment takes.
func (s *Settings) momentWidth() int64 {
	if s.Precision == HalfPrecision {
		return 2
	}
	return 4
}

// statesOf adds up what training the model takes beside a step.
func statesOf(m *model.Model, s *Settings) modelStates {
	var all modelStates
	for i := range m.Outer {
		if t := &m.Outer[i]; t.Part != model.DraftPart {
			all.outer += all.addTensor(t, s, 1, false)
		}
	}
	times := make([]int64, len(m.Layers))
	for _, layer := range m.Order {
		times[layer]++
	}
	for i := range m.Layers {
		var layer topology.Bytes
		for j := range m.Layers[i].Tensors {
			layer += all.addTensor(&m.Layers[i].Tensors[j], s, times[i], true)
		}
		all.layer = max(all.layer, layer)
	}
	return all
}

// addTensor adds a tensor that the model has so many times, and returns what one of it takes
// as a weight.
func (all *modelStates) addTensor(t *model.Tensor, s *Settings, times int64, inLayer bool) topology.Bytes {
	weight := topology.Bytes(t.Elements() * s.tensorWidth())
	if s.AdapterRank == 0 {
		all.weights += topology.Bytes(times) * weight
		all.addTrained(t, s, times)
		return weight
	}
	linear := inLayer && t.Columns > 1 && t.Part != model.OtherPart
	switch {
	case t.Format.Quantised():
		weight = t.Bytes()
	case s.QuantisedBase && linear:
		weight = topology.Bytes(t.Count) * model.NF4.Bytes(t.Rows, t.Columns)
	}
	all.weights += topology.Bytes(times) * weight
	if linear && !t.Routed { // A and B beside it; PEFT leaves experts that are no linear layers alone
		for _, shape := range [][2]int64{{s.AdapterRank, t.Columns}, {t.Rows, s.AdapterRank}} {
			adapter := &model.Tensor{Rows: shape[0], Columns: shape[1], Count: t.Count}
			all.weights += topology.Bytes(times * adapter.Elements() * s.tensorWidth())
			all.addTrained(adapter, s, times)
		}
	}
	return weight
}

// addTrained adds what belongs to weights that are updated.
func (all *modelStates) addTrained(t *model.Tensor, s *Settings, times int64) {
	n := times * t.Elements()
	all.trained += n
	all.gradients += topology.Bytes(n * s.tensorWidth())
	if s.Precision == MixedPrecision {
		all.master += topology.Bytes(4 * n)
	}
	all.moments += topology.Bytes(times * optimizerStates[s.Optimizer].momentBytes(t, s.momentWidth()))
}
