package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
)

// What CUDA graphs take in start-up logs: so much for each layer of each graph, twice that where NCCL's collectives are
// part of them, since GPUs without NVLink cannot do without, and once what the first of them sets up.
const (
	graphOfLayer = 184 * topology.KiB
	firstGraph   = 64 * topology.MiB
	// flashInferWork is what FlashInfer's attention works in, which the first graph sets up: 394 MiB in
	// vllm/v1/attention/backends/flashinfer.py.
	flashInferWork = 394 * topology.MiB
)

// takesFlashInfer reports whether vLLM attends by FlashInfer on the GPU: on Blackwell, in data centres always and elsewhere
// where the KV cache has 8 bits or fewer.
func (s *Server) takesFlashInfer(g GPU) bool {
	narrow := s.Launch.KVFormat != KVAuto && s.Launch.KVFormat != KVWide
	return !s.isLatent() && (g.atLeast(12, 0) && narrow || g.atLeast(10, 0) && !g.atLeast(12, 0))
}

// vllmGraphs is the memory of captured CUDA graphs, and whether it is left out of the KV cache: since v0.20 by an
// estimate, which the second runner makes since v0.29. Graphs of pieces are captured for every batch size up to the
// largest, graphs of whole steps, from v0.11 on, for those that MaxSequences allows.
func (s *Server) vllmGraphs(e *Estimate) (topology.Bytes, bool) {
	l := &s.Launch
	if l.Eager {
		return 0, false
	}
	counted := !l.Version.Before(0, 20) && !l.GraphsUncounted && (!s.secondRunner() || !l.Version.Before(0, 29))
	largest := s.largestGraph(e)
	graphs := s.captureSizes(largest)
	if !l.Version.Before(0, 11) {
		graphs += s.captureSizes(min(largest, cappedProduct(e.MaxSequences, 1+s.draftedTokens())))
	}
	if l.Adapters > 0 && !l.Version.Before(0, 11) {
		graphs *= 2 // once with adapters and once without
	}
	layers := ceilDiv(int64(len(s.Model.Order)), s.parallel.Pipeline)
	each := cappedProduct(layers, int64(graphOfLayer))
	if s.parallel.Tensor > 1 && !e.GPU.isLinked() {
		each *= 2
	}
	first := topology.Bytes(firstGraph)
	if s.takesFlashInfer(e.GPU) {
		first += flashInferWork
	}
	return first + topology.Bytes(cappedProduct(each, graphs)), counted
}

// largestGraph is the largest batch for which a graph is captured. Source: _set_cudagraph_sizes in vllm/config.
func (s *Server) largestGraph(e *Estimate) int64 {
	const most = 512
	switch l := &s.Launch; {
	case l.GraphBatch > 0:
		return l.GraphBatch
	case l.Version.Before(0, 12):
		return most
	}
	return min(most, cappedProduct(2*e.MaxSequences, 1+s.draftedTokens()), e.MaxBatchedTokens)
}

// captureSizes is how many sizes there are up to the largest: 1, 2, 4, every eighth up to 256, and every sixteenth
// above that; every eighth before v0.12.
func (s *Server) captureSizes(largest int64) int64 {
	count := int64(0)
	for _, small := range []int64{1, 2, 4} {
		if small <= largest {
			count++
		}
	}
	count += min(largest, 256) / 8
	if largest > 256 {
		step := int64(16)
		if s.Launch.Version.Before(0, 12) {
			step = 8
		}
		count += (largest - 256) / step
	}
	return count
}
