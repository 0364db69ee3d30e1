package training

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// modelStates are what the GPUs that share hold together of a stage of the model.
type modelStates struct {
	// trained is how many numbers are updated.
	trained                                    int64
	weights, gradients, master, moments, casts topology.Bytes
	// outer is what the weights outside of layers take, layer what the largest layer does, and
	// dequantised what its linear layers take in 16 bits where they stand in 4.
	outer, layer, dequantised topology.Bytes
}

// tensorSplit is how tensors are divided.
func (s *Settings) tensorSplit() model.Parallel {
	return model.Parallel{Tensor: s.tensorDegree(), Pipeline: 1, Expert: 1}
}

// statesOf adds up what training the layers of a pipeline stage takes beside a step. The first stage has
// the embedding, the last one the head.
func statesOf(m *model.Model, s *Settings, stage pipelineStage) modelStates {
	var all modelStates
	for i := range m.Outer {
		if t := &m.Outer[i]; t.Part != model.DraftPart && stage.holdsTensor(m, t) {
			all.outer += all.addTensor(t, s, 1, false)
		}
	}
	times := make([]int64, len(m.Layers))
	for _, layer := range stage.order {
		times[layer]++
	}
	for i := range m.Layers {
		if times[i] == 0 {
			continue
		}
		var layer, dequantised topology.Bytes
		for j := range m.Layers[i].Tensors {
			t := &m.Layers[i].Tensors[j]
			layer += all.addTensor(t, s, times[i], true)
			if s.QuantisedBase && t.Columns > 1 {
				dequantised = max(dequantised, topology.Bytes(2*t.Rows*t.Columns))
			}
		}
		all.layer, all.dequantised = max(all.layer, layer), max(all.dequantised, dequantised)
	}
	return all
}

// addTensor adds a tensor that the stage has so many times, and returns what one of it takes
// as a weight.
func (all *modelStates) addTensor(t *model.Tensor, s *Settings, times int64, inLayer bool) topology.Bytes {
	count, rows, columns := t.Local(s.tensorSplit())
	if s.tensorDegree() == 1 {
		count, rows, columns = t.Count, t.Rows, t.Columns // no padding of the vocabulary
	}
	width := s.numberWidths()
	weight := topology.Bytes(count * rows * columns * width.weight)
	if s.AdapterRank == 0 {
		all.weights += topology.Bytes(times) * weight
		if columns > 1 && t.Part != model.EmbeddingPart {
			all.casts += topology.Bytes(times * count * rows * columns * width.cast)
		}
		all.addTrained(count, rows, columns, s, times, t.Part)
		return weight
	}
	if s.Precision == Autocast && !s.QuantisedBase && columns > 1 && t.Part != model.EmbeddingPart {
		all.casts += topology.Bytes(times * count * rows * columns * width.cast)
	}
	linear := inLayer && t.Columns > 1 && t.Part != model.OtherPart
	switch {
	case t.Format.Quantised():
		weight = t.PerGPU(s.tensorSplit())
	case s.QuantisedBase && linear:
		weight = topology.Bytes(count) * model.NF4.Bytes(rows, columns)
	}
	all.weights += topology.Bytes(times) * weight
	if linear && !t.Routed && s.hasAdapter(t) { // A and B beside it; PEFT leaves experts that are no linear layers alone
		for _, shape := range [][2]int64{{s.AdapterRank, columns}, {rows, s.AdapterRank}} {
			all.weights += topology.Bytes(times * count * shape[0] * shape[1] * width.weight)
			all.addTrained(count, shape[0], shape[1], s, times, t.Part)
		}
	}
	return weight
}

// hasAdapter reports whether a linear layer is one of those that have adapters.
func (s *Settings) hasAdapter(t *model.Tensor) bool {
	targets := s.adapterNames()
	if len(targets) == 0 {
		return true
	}
	name := shortName(t.Name)
	return slices.ContainsFunc(targets, func(target string) bool { return shortName(target) == name })
}

// addTrained adds what belongs to weights that are updated.
func (all *modelStates) addTrained(count, rows, columns int64, s *Settings, times int64, part model.Part) {
	n, width := times*count*rows*columns, s.numberWidths()
	all.trained += n
	all.gradients += topology.Bytes(n * width.weight)
	all.master += topology.Bytes(n * width.master)
	all.moments += topology.Bytes(times * optimizerStates[s.Optimizer].momentBytes(count, rows, columns, width.moment, part))
}
