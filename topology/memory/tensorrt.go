package memory

import "github.com/ashlar-dev/ashlar/topology"

// accountTensorRT gives a share, nine tenths unless stated, of what is free once the engine
// is loaded to the KV cache: a share of the rest, not of the total. Source:
// KvCacheConfig in NVIDIA/TensorRT-LLM and the parameter
// kv_cache_free_gpu_mem_fraction of tensorrtllm_backend.
func (s *Server) accountTensorRT(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 8192, 2048)
	if e.Utilisation = s.Launch.Utilisation; e.Utilisation == 0 {
		e.Utilisation = 0.9
	}
	if e.BlockSize = s.Launch.BlockSize; e.BlockSize == 0 {
		e.BlockSize = 32
	}
	s.loadAndStep(st, e)
	e.Budget = e.GPU.Total - ContextSize
	free := e.Budget - e.WeightBytes() - e.Activations - e.Graphs - e.Other
	e.KV = topology.Bytes(float64(free) * e.Utilisation)
	if free < 0 {
		e.KV = free
	}
	e.Margin = e.WeightBytes()/50 + e.Activations/2 + inGiB(0.5)
}
