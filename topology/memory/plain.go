package memory

// accountPlain is a process that loads a model and runs batches: weights, the activations of
// MaxSequences inputs of MaxModelLen, and the driver's context. Encoders keep no KV
// cache.
func (s *Server) accountPlain(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 0, 1)
	e.MaxBatchedTokens = max(1, cappedProduct(e.MaxSequences, e.MaxModelLen))
	e.BlockSize, e.Utilisation = 1, 1
	e.Weights = s.offloadWeights(st.weights)
	e.Activations = s.forwardPeak(e)
	e.Other = inGiB(0.1)
	e.Budget = e.GPU.Total - ContextSize
	e.KV = e.Budget - e.WeightBytes() - e.Activations - e.Other
	e.Margin = e.WeightBytes()/50 + e.Activations/2 + inGiB(0.2)
}
