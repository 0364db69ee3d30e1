package memory

import "github.com/ashlar-dev/ashlar/topology"

// accountTGI runs a step of its largest prefill first and gives nine tenths of what is then
// free, times cuda_memory_fraction, to the KV cache. Sources: TGI_WIGGLE_ROOM and
// flash_causal_lm.py in huggingface/text-generation-inference.
func (s *Server) accountTGI(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 4096, 128)
	if e.Utilisation = s.Launch.Utilisation; e.Utilisation == 0 {
		e.Utilisation = 1
	}
	e.BlockSize = max(1, s.Launch.BlockSize)
	s.loadAndStep(st, e)
	free := topology.Bytes(float64(e.GPU.Total-ContextSize)*e.Utilisation) - e.WeightBytes() - e.Activations - e.Graphs - e.Other
	e.Budget = e.GPU.Total - ContextSize
	e.KV = free - free/10
	e.Margin = e.WeightBytes()/50 + e.Activations/2 + inGiB(0.5)
}

// serverDefaults fills in what the launch leaves open, for engines without tables of
// their own.
func (s *Server) serverDefaults(e *Estimate, batched, sequences int64) {
	l := &s.Launch
	e.MaxModelLen = s.longestRequest()
	if e.MaxBatchedTokens = l.MaxBatchedTokens; e.MaxBatchedTokens == 0 {
		e.MaxBatchedTokens = batched
	}
	if e.MaxSequences = l.MaxSequences; e.MaxSequences == 0 {
		e.MaxSequences = sequences
	}
}

// loadAndStep fills in the lines that engines without an account of their own share.
func (s *Server) loadAndStep(st *pipelineStage, e *Estimate) {
	e.Weights = s.offloadWeights(st.weights)
	e.Loading = s.rotaryTable()
	e.Activations = max(s.forwardPeak(e), s.logitBytes(e)) + s.towerPeak(e)
	if !s.Launch.Eager {
		e.Graphs, e.GraphsInBudget = inGiB(0.5), true
	}
	e.Other = inGiB(0.1)
	if s.parallel.Tensor > 1 {
		e.Other = inGiB(0.5)
	}
}
