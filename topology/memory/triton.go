package memory

import "github.com/ashlar-dev/ashlar/topology"

// accountTriton is Triton with ONNX Runtime, PyTorch or Python behind it: each of a model's instances loads its own
// copy and runs batches of its own. What a batch takes is counted twice: ONNX Runtime's arena grows
// by powers of two, and PyTorch's allocator keeps what it once had. Sources: "Instance Groups" and "Maximum Batch
// Size" of Triton's model configuration, whose defaults are one instance on each GPU and batches of one;
// arena_extend_strategy in ONNX Runtime's documentation of its CUDA provider.
func (s *Server) accountTriton(st *pipelineStage, e *Estimate) {
	instances := max(1, s.Launch.Instances)
	s.serverDefaults(e, 0, 1)
	e.MaxBatchedTokens = max(1, cappedProduct(e.MaxSequences, e.MaxModelLen))
	e.Weights = s.offloadWeights(st.weights)
	for part := range e.Weights {
		e.Weights[part] *= topology.Bytes(instances)
	}
	one := s.batchPeak(e) + s.crossCaches(e)
	e.Activations = topology.Bytes(cappedProduct(2*int64(one), instances))
	s.finishLoaded(e, inGiB(0.2))
}
