package memory

// teiTokens is how many tokens Text Embeddings Inference computes at once unless told otherwise, and
// infinityBatch how many inputs Infinity does. Sources: --max-batch-tokens of text-embeddings-router;
// --batch-size of infinity_emb.
const (
	teiTokens     = 16384
	infinityBatch = 32
)

// accountTEI is Text Embeddings Inference: batches are packed without padding up to a number of
// tokens, and no input is longer than that.
func (s *Server) accountTEI(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, teiTokens, 0)
	if e.MaxSequences == 0 {
		e.MaxSequences = max(1, e.MaxBatchedTokens/max(1, e.MaxModelLen))
	}
	e.Weights = s.offloadWeights(st.weights)
	e.Activations = s.batchPeak(e)
	s.finishLoaded(e, inGiB(0.1))
}

// accountInfinity is Infinity with PyTorch: batches of a number of inputs, padded to the longest, which
// its warm-up tries at full length.
func (s *Server) accountInfinity(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 0, infinityBatch)
	e.MaxBatchedTokens = max(1, cappedProduct(e.MaxSequences, e.MaxModelLen))
	e.Weights = s.offloadWeights(st.weights)
	e.Activations = s.batchPeak(e)
	s.finishLoaded(e, inGiB(0.2))
}
