package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// accountVLLM accounts as vLLM's V1 engine does: of a share of the GPU's total it takes
// weights, the peak of a dummy step, what libraries hold, and since v0.20 an
// estimate of its CUDA graphs; the rest is KV cache.
func (s *Server) accountVLLM(st *pipelineStage, e *Estimate) {
	s.vllmDefaults(e)
	e.Budget = topology.Bytes(float64(e.GPU.Total) * e.Utilisation)
	e.Weights = s.offloadWeights(st.weights)
	e.Loading = s.vllmLoading(st, e.GPU) + s.adapterBytes(st) + s.deepstackBytes(e)
	e.Activations = s.vllmPeak(e) + s.workspaceBytes(e) + s.compilationBytes()
	e.Other = s.vllmOther(e)
	e.Graphs, e.GraphsInBudget = s.vllmGraphs(e)
	e.KV = e.Budget - e.WeightBytes() - e.Activations - e.Other
	if e.GraphsInBudget {
		e.KV -= e.Graphs
	}
	e.Margin = s.vllmMargin(e)
}

// vllmPeak is the peak of the dummy run: first the towers alone, then a step of the language model and its sampling
// beside what the towers put out and the embeddings that it is mixed into.
func (s *Server) vllmPeak(e *Estimate) topology.Bytes {
	running, held := s.encoderPeaks(e)
	step := s.forwardPeak(e)
	if e.Stage == s.parallel.Pipeline-1 { // only the last stage samples
		step = max(step, s.samplerPeak(e))
	}
	if held > 0 {
		step += held + topology.Bytes(cappedProduct(cappedProduct(e.MaxBatchedTokens, s.Model.Hidden), 4))
	}
	return max(running, step)
}

// offloadWeights is the weights less what stays in host memory.
func (s *Server) offloadWeights(weights [model.PartCount]topology.Bytes) [model.PartCount]topology.Bytes {
	left := s.Launch.CPUOffload
	for i := range weights {
		moved := min(left, weights[i])
		weights[i] -= moved
		left -= moved
	}
	return weights
}

// largeGPU is from which size on vLLM has defaults for large GPUs.
const largeGPU = 70 * topology.GiB

// vllmDefaults fills in what the launch leaves open. Sources: EngineArgs in
// vllm/engine/arg_utils.py; start-up logs of 0.19.1 and 0.20.0 for when the default
// utilisation changed (vLLM pull request 38284).
func (s *Server) vllmDefaults(e *Estimate) {
	l := &s.Launch
	e.Utilisation = l.Utilisation
	if e.Utilisation == 0 {
		e.Utilisation = 0.92
		if l.Version.Before(0, 20) {
			e.Utilisation = 0.9
		}
	}
	e.MaxModelLen = s.longestRequest()
	large := e.GPU.Total+topology.GiB >= largeGPU && !isA100(e.GPU)
	e.MaxBatchedTokens, e.MaxSequences = l.MaxBatchedTokens, l.MaxSequences
	if e.MaxBatchedTokens == 0 {
		switch {
		case large && l.Library:
			e.MaxBatchedTokens = 16384
		case large, l.Library:
			e.MaxBatchedTokens = 8192
		default:
			e.MaxBatchedTokens = 2048
		}
	}
	if e.MaxSequences == 0 {
		e.MaxSequences = 256
		if large {
			e.MaxSequences = 1024
		}
	}
	e.MaxSequences = min(e.MaxSequences, e.MaxBatchedTokens)
	if e.BlockSize = l.BlockSize; e.BlockSize == 0 {
		e.BlockSize = 16
		if s.isLatent() {
			e.BlockSize = 64
		}
	}
}

// isA100 tells the GPU that vLLM excepts, by name, from its defaults for large ones.
func isA100(g GPU) bool { return g.Compute == topology.ComputeCapability{Major: 8, Minor: 0} }

// isLatent reports whether the model has latent attention.
func (s *Server) isLatent() bool {
	for i := range s.Model.Layers {
		for _, c := range s.Model.Layers[i].Caches {
			if c.Attention == model.LatentAttention {
				return true
			}
		}
	}
	return false
}

// vllmLoading is what stands beside the files' tensors once they are loaded.
func (s *Server) vllmLoading(st *pipelineStage, g GPU) topology.Bytes {
	extra := s.rotaryTable() + s.repackedLayer(st)
	for _, run := range st.layers {
		for i := range run.layer.Tensors {
			t := &run.layer.Tensors[i]
			switch {
			case t.Routed && t.Format == model.MXFP4:
				extra += topology.Bytes(run.count) * s.paddingMXFP4(t, g)
			case t.Name == "self_attn.kv_b_proj" && s.loadedFormat(t).Quantised():
				// Latent attention multiplies by an unquantised copy.
				count, rows, columns := t.Local(s.parallel)
				extra += topology.Bytes(run.count*count) * model.Bits16.Bytes(rows, columns)
			}
		}
	}
	return extra
}

// repackedLayer is the largest layer of AWQ or GPTQ weights, which stands there twice while it is rearranged for its kernel:
// what vLLM logs as loaded is the most that was allocated.
func (s *Server) repackedLayer(st *pipelineStage) topology.Bytes {
	if files := s.Model.Quantisation; files != "awq" && files != "gptq" {
		return 0
	}
	var largest topology.Bytes
	for _, run := range st.layers {
		for i := range run.layer.Tensors {
			if t := &run.layer.Tensors[i]; !t.Routed && t.Format.Quantised() {
				largest = max(largest, s.perGPU(t))
			}
		}
	}
	return 2 * largest // gate and up are one matrix
}

// paddingMXFP4 is by how much a GPU's kernels widen experts in MXFP4: Marlin to
// multiples of 128 (the experts' width) and 256 (the hidden size), FlashInfer's
// kernels on Blackwell to 256 of both, Triton on Hopper values but not scales to 256.
// Sources: create_weights in vllm/model_executor/layers/quantization/mxfp4.py; loaded
// sizes of gpt-oss-20b and -120b in public logs for the Triton layout.
func (s *Server) paddingMXFP4(t *model.Tensor, g GPU) topology.Bytes {
	count, rows, columns := t.Local(s.parallel)
	plain, values := t.Format.Bytes(rows, columns), model.Format{Bits: t.Format.Bits}
	unpadded := values.Bytes(rows, columns)
	width, hidden := &rows, &columns // gate and up
	if t.Split == model.SplitColumns {
		width, hidden = &columns, &rows // down
	}
	switch {
	case g.atLeast(10, 0):
		*width, *hidden = roundUp(*width, 256), roundUp(*hidden, 256)
	case g.atLeast(9, 0) && !s.Launch.Version.Before(0, 11):
		*width = roundUp(*width, 256)
		return topology.Bytes(count) * (values.Bytes(rows, columns) - unpadded)
	default:
		*width, *hidden = roundUp(*width, 128), roundUp(*hidden, 256)
	}
	return topology.Bytes(count) * (t.Format.Bytes(rows, columns) - plain)
}

func roundUp(n, multiple int64) int64 { return ceilDiv(n, multiple) * multiple }

// samplerPeak is the peak of sampling for MaxSequences dummy requests, over the
// whole vocabulary on every GPU, with the step's hidden states beside it.
func (s *Server) samplerPeak(e *Estimate) topology.Bytes {
	if s.Model.Kind == model.EncoderKind || s.Model.Kind == model.VisionKind {
		return 0
	}
	vocabulary := roundUp(s.Model.Vocabulary, model.VocabularyPadding)
	return topology.Bytes(cappedProduct(cappedProduct(e.MaxSequences, vocabulary), s.samplerBytes()) +
		cappedProduct(s.Model.Hidden, 2*(e.MaxBatchedTokens+e.MaxSequences)))
}

// samplerBytes is the memory of sampling per request and vocabulary entry: 16-bit
// logits and their 32-bit copy, and beside them
//
//   - sorted values, two sets of 64-bit indices and the sort's double buffer (38) up to
//     v0.16. Where FlashInfer is installed, v0.10 and v0.11.0 need only 14.
//   - probabilities and noise (14) with the Triton and FlashInfer samplers (vLLM pull
//     requests 33538 and 40376)
//   - nothing (6) with the second model runner, which v0.25 takes for dense models (pull
//     request 44443) and v0.29 for all (53183)
func (s *Server) samplerBytes() int64 {
	switch {
	case s.Launch.Version.Before(0, 17):
		return 38
	case s.secondRunner():
		return 6
	}
	return 14
}

// secondRunner reports whether vLLM runs the model on its second model runner.
func (s *Server) secondRunner() bool {
	v := s.Launch.Version
	return !v.Before(0, 29) || !v.Before(0, 25) && s.Model.ActiveExperts == 0 && !s.hasRecurrentState()
}

func (s *Server) hasRecurrentState() bool {
	for i := range s.stages {
		for _, c := range s.stages[i].caches {
			if c.attention == model.RecurrentState {
				return true
			}
		}
	}
	return false
}

// forwardPeak is the peak of a step over MaxBatchedTokens: in a feed-forward layer,
// gate, up and their product stand beside the residual and two hidden states; in a
// mixture, those of every expert that a token visits.
func (s *Server) forwardPeak(e *Estimate) topology.Bytes {
	m, degree := s.Model, s.parallel.Tensor
	wide := 3 * ceilDiv(m.FeedForward, degree)
	if m.ActiveExperts > 0 {
		width := m.ExpertWidth
		if s.parallel.Expert == 1 {
			width = ceilDiv(width, degree)
		}
		wide += m.Hidden + cappedProduct(m.ActiveExperts, max(2*width, m.Hidden)+width)
	}
	return topology.Bytes(cappedProduct(cappedProduct(e.MaxBatchedTokens, wide+3*m.Hidden), 2))
}

// workspaceBytes is what stays allocated beside a step: cuBLAS's buffers, and since v0.27,
// which counts them, the second runner's counters of tokens seen: 4.125 bytes per
// request and vocabulary entry.
func (s *Server) workspaceBytes(e *Estimate) topology.Bytes {
	bytes := 8 * topology.MiB
	if e.GPU.atLeast(9, 0) {
		bytes = 32 * topology.MiB
	}
	if s.secondRunner() && !s.Launch.Version.Before(0, 27) {
		bytes += topology.Bytes(cappedProduct(cappedProduct(e.MaxSequences, s.Model.Vocabulary), 33) / 8)
	}
	return bytes
}

// vllmOther is what CUDA libraries hold outside PyTorch's allocator: on one GPU 0.02 to 0.14 GiB in logs up to v0.16;
// with NCCL 0.55 on two H100, 0.21 on eight L40S. v0.10 counted all of NCCL (1.38 GiB on two GPUs, 1.84 on four).
func (s *Server) vllmOther(e *Estimate) topology.Bytes {
	large := e.GPU.Total > largeLibraries
	several := s.GPUs() > 1 // pipelines too send by NCCL
	switch {
	case s.parallel.Tensor > 2 && s.Launch.Version.Before(0, 11):
		return inGiB(1.84)
	case several && s.Launch.Version.Before(0, 11):
		return inGiB(1.38)
	case several && e.GPU.isLinked():
		return inGiB(0.54) + s.profiledGraphs()
	case several:
		return inGiB(0.2) + s.profiledGraphs()
	case large:
		return inGiB(0.13) + s.profiledGraphs()
	}
	return inGiB(0.06) + s.profiledGraphs()
}

// profiledGraphs is what is left outside PyTorch's allocator since v0.17, whose dummy run loads more kernels and, up to
// v0.22, captures graphs before it looks at what is free: 0.4 to 0.9 GiB in ten logs of those releases, 0.3 to 0.4 where
// nothing is captured and in later ones.
func (s *Server) profiledGraphs() topology.Bytes {
	v := s.Launch.Version
	switch {
	case v.Before(0, 17):
		return 0
	case v.Before(0, 23) && !s.Launch.Eager:
		return inGiB(0.6)
	}
	return inGiB(0.3)
}

// vllmMargin is by how much the KV cache may be off: half a percent of the weights
// (two where they are quantised and kernels repack them), a tenth of the activations,
// half of the libraries and a quarter of the graphs, which is what logs scatter by. It is
// wider where few servers like it were compared.
func (s *Server) vllmMargin(e *Estimate) topology.Bytes {
	weights := e.WeightBytes() / 200
	if s.Model.Quantisation != "" {
		weights = e.WeightBytes() / 50
	}
	graphs := topology.Bytes(0)
	if e.GraphsInBudget {
		graphs = e.Graphs / 4
	}
	return e.Compared.widenMargin(weights+e.Activations/10+e.Other/2+graphs+inGiB(0.05), e.Budget)
}

// compilationBytes is what a first start, with an empty compile cache as in a new
// container, leaves allocated when v0.27 and later look at what is free: 1.0 GiB in a
// pair of logs of one machine, 0.7 to 1.1 in others.
func (s *Server) compilationBytes() topology.Bytes {
	if s.Launch.Eager || s.Launch.Version.Before(0, 27) {
		return 0
	}
	return inGiB(0.9)
}
