package memory

// plain is a process that loads a model and runs batches: weights, the activations of
// MaxSequences inputs of MaxModelLen, and the driver's context. Encoders keep no KV
// cache.
func (s *Server) plain(st *stage, e *Estimate) {
	s.serverDefaults(e, 0, 1)
	e.MaxBatchedTokens = max(1, times(e.MaxSequences, e.MaxModelLen))
	e.BlockSize, e.Utilisation = 1, 1
	e.Weights = s.offloaded(st.weights)
	e.Activations = s.forwardPeak(e)
	e.Other = gib(0.1)
	e.Budget = e.GPU.Total - Context
	e.KV = e.Budget - e.WeightBytes() - e.Activations - e.Other
	e.Margin = e.WeightBytes()/50 + e.Activations/2 + gib(0.2)
}
