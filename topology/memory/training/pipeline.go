package training

import "github.com/ashlar-dev/ashlar/topology/memory/model"

// pipelineStage is a stage of the model's layers.
type pipelineStage struct {
	order       []uint8
	first, last bool
	// inFlight is of how many batches the stage keeps activations at once.
	inFlight int64
}

// stagesOf are the first and the last stage of the pipeline, between which no other takes more. Layers that
// do not divide evenly go to the first ones. In the one-forward-one-backward schedule a stage keeps as
// many batches as there are stages from it on, and no more than are accumulated. Source: Narayanan
// et al., "Efficient Large-Scale Language Model Training on GPU Clusters" (2021), section 2.2.
func stagesOf(m *model.Model, s *Settings) []pipelineStage {
	degree, layers := s.pipelineDegree(), int64(len(m.Order))
	if degree == 1 {
		return []pipelineStage{{order: m.Order, first: true, last: true, inFlight: 1}}
	}
	most := degree
	if s.Accumulation > 0 {
		most = min(degree, s.Accumulation)
	}
	return []pipelineStage{
		{order: m.Order[:ceilDiv(layers, degree)], first: true, inFlight: most},
		{order: m.Order[layers-layers/degree:], last: true, inFlight: 1},
	}
}

// holdsTensor says whether a tensor outside of layers is on the stage.
func (p *pipelineStage) holdsTensor(m *model.Model, t *model.Tensor) bool {
	switch t.Part {
	case model.EmbeddingPart:
		return p.first || p.last && m.Tied
	case model.HeadPart:
		return p.last
	case model.TowerPart:
		return p.first
	}
	return p.first || p.last
}
