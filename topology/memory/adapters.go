package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// defaultRank is vLLM's max_lora_rank where none is stated.
const defaultRank = 16

// adapterBytes is what the slots for LoRA adapters take: for every linear layer two
// matrices of 16 bits, the one from its input to the rank whole, the one from the
// rank to its output divided like the layer.
func (s *Server) adapterBytes(st *pipelineStage) topology.Bytes {
	if s.Launch.Adapters == 0 {
		return 0
	}
	rank := s.Launch.AdapterRank
	if rank == 0 {
		rank = defaultRank
	}
	var numbers int64
	for _, run := range st.layers {
		for i := range run.layer.Tensors {
			t := &run.layer.Tensors[i]
			if t.Columns == 1 || t.Part != model.AttentionPart && t.Part != model.MLPPart {
				continue
			}
			_, rows, _ := t.Local(s.parallel)
			numbers += run.count * (rows + t.Columns)
		}
	}
	return topology.Bytes(cappedProduct(cappedProduct(numbers, rank), 2*s.Launch.Adapters))
}
