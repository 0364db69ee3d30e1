package memory

import "github.com/ashlar-dev/ashlar/topology"

// accountSGLang gives a share of what is free before loading to weights and KV cache
// together; activations and graphs live in the rest. Without a stated share it sets
// aside, in MiB, 512 + 1.5 per prefill token + 2 per graph batch + 1 GiB per 8 GPUs,
// and on GPUs above 60 GiB at least 10 GiB. Source: ServerArgs in
// sglang/srt/server_args.py.
func (s *Server) accountSGLang(st *pipelineStage, e *Estimate) {
	l := &s.Launch
	tier := sglangTierOf(e.GPU.Total)
	e.MaxModelLen = s.longestRequest()
	if e.MaxBatchedTokens = l.MaxBatchedTokens; e.MaxBatchedTokens == 0 {
		e.MaxBatchedTokens = tier.prefill
	}
	graphBatch := l.GraphBatch
	if graphBatch == 0 {
		graphBatch = tier.graphBatch
		if s.parallel.Tensor >= 4 {
			graphBatch = tier.wideBatch
		}
	}
	if e.MaxSequences = l.MaxSequences; e.MaxSequences == 0 {
		e.MaxSequences = graphBatch
	}
	if e.BlockSize = l.BlockSize; e.BlockSize == 0 {
		e.BlockSize = 1
	}
	reserved := 512*topology.MiB +
		topology.Bytes(cappedProduct(max(e.MaxBatchedTokens, 2048), int64(topology.MiB)*3/2)) +
		topology.Bytes(cappedProduct(graphBatch, 2*int64(topology.MiB))) +
		topology.Bytes(cappedProduct(s.GPUs(), int64(topology.GiB)/8))
	if e.GPU.Total > 60*topology.GiB {
		reserved = max(reserved, 10*topology.GiB)
	}
	if e.Utilisation = l.Utilisation; e.Utilisation == 0 {
		e.Utilisation = max(0, 1-float64(reserved)/float64(e.GPU.Total))
	}
	free := e.GPU.Total - ContextSize
	e.Budget = topology.Bytes(float64(free) * e.Utilisation)
	e.Weights = s.offloadWeights(st.weights)
	e.Loading = s.rotaryTable()
	e.Activations = free - e.Budget
	e.KV = e.Budget - e.WeightBytes()
	e.Margin = e.WeightBytes()/50 + inGiB(0.5)
	if step := s.forwardPeak(e) + s.logitBytes(e); step > e.Activations {
		// The step runs out of memory rather than the cache: show what is missing.
		e.KV -= step - e.Activations
		e.Activations = step
	}
	e.Budget += e.Activations
}

// sglangTier is what SGLang takes for granted by the size of a GPU.
type sglangTier struct {
	below                          topology.Bytes
	prefill, graphBatch, wideBatch int64
}

var sglangTiers = []sglangTier{
	{20 * topology.GiB, 2048, 8, 8},
	{35 * topology.GiB, 2048, 24, 80},
	{60 * topology.GiB, 4096, 32, 160},
	{160 * topology.GiB, 8192, 256, 512},
}

func sglangTierOf(total topology.Bytes) sglangTier {
	for _, tier := range sglangTiers {
		if total < tier.below {
			return tier
		}
	}
	return sglangTier{prefill: 16384, graphBatch: 512, wideBatch: 512}
}

// rotaryTable is one table of cosines and sines for all layers, longer where positions have three directions.
func (s *Server) rotaryTable() topology.Bytes {
	return topology.Bytes(2 * cappedProduct(s.Model.RotaryDim, cappedProduct(s.Model.MaxPositions, max(1, s.Model.RotaryTables))))
}

// logitBytes is the 32-bit logits of one step.
func (s *Server) logitBytes(e *Estimate) topology.Bytes {
	return topology.Bytes(4 * cappedProduct(min(e.MaxSequences, e.MaxBatchedTokens), s.Model.Vocabulary))
}
