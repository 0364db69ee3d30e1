package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// defaultRank is vLLM's max_lora_rank where none is stated.
const defaultRank = 16

// extraVocabulary is how many tokens vLLM before v0.12 lets each adapter add, where nothing else is stated.
const extraVocabulary = 256

// adapterBytes is what the slots for LoRA adapters take: for every linear layer two
// matrices of 16 bits, the one from its input to the rank whole, the one from the
// rank to its output divided like the layer; for the embedding and the head too, and since v0.12 for
// every expert. Sources: create_lora_weights in vllm/lora/layers.
func (s *Server) adapterBytes(st *pipelineStage) topology.Bytes {
	if s.Launch.Adapters == 0 {
		return 0
	}
	rank := s.Launch.AdapterRank
	if rank == 0 {
		rank = defaultRank
	}
	old := s.Launch.Version.Before(0, 12)
	var numbers int64
	for _, run := range st.layers {
		for i := range run.layer.Tensors {
			t := &run.layer.Tensors[i]
			experts := t.Part == model.ExpertsPart && !old
			if t.Columns == 1 || t.Part != model.AttentionPart && t.Part != model.MLPPart && !experts {
				continue
			}
			count, rows, _ := t.Local(s.parallel)
			if !experts {
				count = 1
			}
			numbers += cappedProduct(run.count*count, rows+t.Columns)
		}
	}
	vocabulary := ceilDiv(s.Model.Vocabulary, s.parallel.Tensor)
	if st.weights[model.EmbeddingPart] > 0 {
		numbers += vocabulary + s.Model.Hidden
	}
	if st.weights[model.HeadPart] > 0 || s.Model.Tied {
		numbers += vocabulary + s.Model.Hidden
	}
	bytes := cappedProduct(cappedProduct(numbers, rank), 2*s.Launch.Adapters)
	if old {
		bytes += cappedProduct(cappedProduct(extraVocabulary, s.Model.Hidden), 4*s.Launch.Adapters)
	}
	return topology.Bytes(bytes)
}
