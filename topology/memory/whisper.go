package memory

import (
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// usualBeams is how many continuations faster-whisper follows unless told otherwise.
const usualBeams = 5

// whisperLibraries is what cuBLAS, cuDNN's convolutions and CTranslate2's caching allocator keep beside the weights and
// caches: what is left of the four figures that faster-whisper's README publishes of large-v2.
const whisperLibraries = 700 * topology.MiB

// accountCTranslate2 is faster-whisper: for each piece of sound in a batch, the keys and values of what the
// encoder heard, which all beams share. What beams write takes more the longer they get; up to half the
// decoder's length, which is the most that one piece is transcribed to (sample_len in openai/whisper), it is
// the margin's.
func (s *Server) accountCTranslate2(st *pipelineStage, e *Estimate) {
	s.serverDefaults(e, 0, 1)
	e.MaxBatchedTokens = max(1, e.MaxSequences)
	e.Weights = s.offloadWeights(st.weights)
	e.Activations = s.crossCaches(e)
	beams := max(1, s.Launch.Beams)
	if s.Launch.Beams == 0 {
		beams = usualBeams
	}
	e.Margin = topology.Bytes(cappedProduct(cappedProduct(s.selfCacheBytes(e.MaxModelLen/2), beams), e.MaxSequences))
	s.finishLoaded(e, whisperLibraries)
}

// crossCaches is what decoders keep of what their encoder read, for each input of a batch, in 16 bits.
func (s *Server) crossCaches(e *Estimate) topology.Bytes {
	var each int64
	for _, kind := range s.Model.Order {
		for _, c := range s.Model.Layers[kind].Caches {
			if c.Attention == model.CrossAttention {
				each += cappedProduct(c.KVHeads*(c.KeyDim+c.ValueDim), 2*c.Window)
			}
		}
	}
	return topology.Bytes(cappedProduct(each, e.MaxSequences))
}

// selfCacheBytes is what decoders keep of what they wrote, up to so many tokens of one continuation.
func (s *Server) selfCacheBytes(tokens int64) int64 {
	var each int64
	for _, kind := range s.Model.Order {
		for _, c := range s.Model.Layers[kind].Caches {
			if c.Attention == model.FullAttention {
				each += c.KVHeads * (c.KeyDim + c.ValueDim) * 2
			}
		}
	}
	return cappedProduct(each, tokens)
}

// isInt8 reports whether CTranslate2 is told to keep weights in 8 bits: int8, int8_float16 and the like.
func (l *Launch) isInt8() bool { return l.Engine == CTranslate2 && strings.HasPrefix(l.Dtype, "int8") }
