package memory

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// accountPlain is a process that loads a model and runs batches, such as PyTorch behind FastAPI: weights
// as they are in the files, the activations of MaxSequences inputs of MaxModelLen, and the driver's
// context. Encoders keep no KV cache.
func (s *Server) accountPlain(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 0, 1)
	e.MaxBatchedTokens = max(1, cappedProduct(e.MaxSequences, e.MaxModelLen))
	e.Weights = s.offloadWeights(st.weights)
	e.Activations = s.batchPeak(e)
	s.finishLoaded(e, inGiB(0.1))
}

// batchPeak is the peak of a batch, in the width in which the weights are computed with.
func (s *Server) batchPeak(e *Estimate) topology.Bytes {
	if s.Model.Kind == model.VisionKind { // a picture is so many patches, and the class's
		e.MaxBatchedTokens = cappedProduct(e.MaxSequences, s.Model.Tower.Patches+1)
	}
	bytes := s.forwardPeak(e) // of 16 bits
	if s.Model.Kind == model.VisionKind && s.Model.Tower.Patches == 0 {
		bytes = topology.Bytes(cappedProduct(e.MaxSequences, 2*featureMaps*largestMap))
	}
	if s.computesSingle() {
		bytes *= 2
	}
	return bytes
}

// largestMap is how many numbers the largest feature map of a ResNet has of a picture of 224 x 224: 64 channels of half
// that width after its first layer. featureMaps of them stand at once: what a block gets, gives, and passes by.
const (
	largestMap  = 64 * 112 * 112
	featureMaps = 3
)

// computesSingle reports whether the model is computed in 32 bits: as the launch states, or as its
// files are where the engine does not halve them.
func (s *Server) computesSingle() bool {
	if s.Launch.Dtype != "" {
		return s.Launch.Dtype == "float32"
	}
	return s.Model.Format == model.Bits32 && !s.Launch.Engine.halvesWeights()
}

// halvesWeights reports whether the engine turns weights of 32 bits into 16 unless it is told otherwise. Sources: the
// --dtype of text-embeddings-router, float16 on GPUs; infinity_emb's EngineArgs, whose auto is float16 there;
// faster-whisper's conversion with --quantization float16.
func (e Engine) halvesWeights() bool { return e == TEI || e == Infinity || e == CTranslate2 }

// finishLoaded fills in what an engine that only loads has left, with so much for its libraries.
func (s *Server) finishLoaded(e *Estimate, libraries topology.Bytes) {
	e.BlockSize, e.Utilisation = 1, 1
	e.Other += libraries
	e.Budget = e.GPU.Total - ContextSize
	e.KV = e.Budget - e.WeightBytes() - e.Activations - e.Other
	e.Margin += e.WeightBytes()/50 + e.Activations/2 + inGiB(0.2)
}
