package training

import (
	"math"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Recomputation is what is computed again in the backward pass instead of kept.
type Recomputation string

// The recomputations.
const (
	KeepAll Recomputation = ""
	// RecomputeAttention computes the scores of attention again, as Megatron-LM's selective
	// recomputation does. FlashAttention does so by itself.
	RecomputeAttention Recomputation = "attention"
	// RecomputeSelective keeps each layer's input, what attention gives and every second matrix
	// product, as torchtitan's selective checkpointing by operator does.
	RecomputeSelective Recomputation = "selective"
	// RecomputeLayers keeps each layer's input and computes the rest again.
	RecomputeLayers Recomputation = "full"
)

// Recomputations lists the names of those that recompute something.
func Recomputations() []Recomputation {
	return []Recomputation{RecomputeAttention, RecomputeSelective, RecomputeLayers}
}

// layerKept is what a layer keeps of each token: hidden in numbers that tensor parallelism leaves whole,
// split in numbers that it divides, and selected in numbers of those that selective recomputation
// keeps; upcast says that its norms are computed in 32 bits.
type layerKept struct {
	hidden, split, selected int64
	upcast                  bool
}

// keptOf is how many numbers a layer keeps of each token for its backward pass, with an attention that
// does not keep its scores (FlashAttention, SDPA), and without dropout: what every linear layer
// gives, what those get that follow an activation or the attention, what the norms give, and in a
// gated feed-forward layer the gate's activation. For GPT-2 of width h these are 16 h numbers: the
// 34 h bytes of Korthikanti et al. less dropout's masks, of which, as there, 5 h are not divided
// by tensor parallelism.
func keptOf(m *model.Model, layer *model.Layer, degree int64) layerKept {
	kept := layerKept{hidden: 2 * m.Hidden, upcast: true} // the norms
	var given, taken int64
	products := 0
	for i := range layer.Tensors {
		t := &layer.Tensors[i]
		if t.Columns <= 1 {
			kept.upcast = kept.upcast && !strings.HasSuffix(t.Name, "norm.bias")
			continue
		}
		_, rows, columns := t.Local(model.Parallel{Tensor: degree, Pipeline: 1, Expert: 1})
		times := t.Count
		if t.Routed { // a token visits some of the experts
			times = min(t.Count, max(1, m.ActiveExperts))
		}
		switch t.Split {
		case model.SplitRows, model.SplitKVHeads:
			kept.split += times * rows
		case model.SplitColumns:
			kept.hidden += times * t.Rows
			kept.split += times * columns
		default:
			kept.hidden += times * t.Rows
		}
		if products++; products%2 == 1 {
			kept.selected += times * rows
		}
		if t.Part == model.MLPPart || t.Part == model.ExpertsPart {
			switch t.Split {
			case model.SplitRows:
				given += times * rows
			case model.SplitColumns:
				taken += times * columns
			}
		}
	}
	kept.split += max(0, given-taken) // gate and up give twice what down takes
	kept.selected += m.Hidden + ceilDiv(m.Heads*m.HeadDim, degree)
	return kept
}

// layerNumbers is how many numbers a layer keeps of each token on one GPU.
func layerNumbers(m *model.Model, layer *model.Layer) int64 {
	kept := keptOf(m, layer, 1)
	return kept.hidden + kept.split
}

// layerBytes is what a layer keeps of each token under the settings, if it is not recomputed: the
// numbers of keptOf; of norms without a bias, which are RMS norms and no one kernel, their input in 32 bits; and
// with eager attention, copies of what it multiplies and gives. Sources: LlamaRMSNorm and
// eager_attention_forward in transformers; torch.matmul, which copies what a transposition left scattered.
func layerBytes(m *model.Model, layer *model.Layer, s *Settings) int64 {
	kept, width := keptOf(m, layer, s.tensorDegree()), s.numberWidths()
	whole := int64(1)
	if s.SequenceParallel {
		whole = s.tensorDegree()
	}
	bytes := ceilDiv(kept.hidden*width.kept, whole) + kept.split*width.kept
	if kept.upcast && width.kept < 4 {
		bytes += ceilDiv(4*m.Hidden*2, whole)
	}
	if s.EagerAttention {
		bytes += 4 * ceilDiv(m.Heads*m.HeadDim, s.tensorDegree()) * width.kept
	}
	if s.Precision == Autocast { // norms and residuals stay in 32 bits beside what is cast
		bytes += ceilDiv(4*m.Hidden*2, whole)
	}
	if s.Dropout { // a mask of a byte for both residuals
		bytes += ceilDiv(2*m.Hidden, whole)
	}
	return bytes
}

// scoreBytes is what eager attention keeps of each token in a layer: for every head and token that it looks
// at, the softmax in 32 bits and what it is cast to; with dropout a mask and what is left. Source:
// eager_attention_forward in transformers, and torch.autocast, under which softmax gives 32 bits.
func scoreBytes(m *model.Model, s *Settings) int64 {
	if !s.EagerAttention {
		return 0
	}
	each := int64(4)
	if s.numberWidths().kept < 4 {
		each += 2
	}
	if s.Dropout {
		each += 1 + s.numberWidths().kept
	}
	return cappedProduct(cappedProduct(ceilDiv(m.Heads, s.tensorDegree()), s.SequenceLength), each)
}

// stepActivations is what a step over so many tokens keeps on a pipeline stage.
func stepActivations(m *model.Model, s *Settings, stage pipelineStage, again Recomputation) topology.Bytes {
	tokens, width := s.Batch*(s.SequenceLength/s.contextDegree()), s.numberWidths().kept
	scores, whole := scoreBytes(m, s), int64(1)
	if s.SequenceParallel {
		whole = s.tensorDegree()
	}
	var all, largest int64
	for _, kind := range stage.order {
		layer := &m.Layers[kind]
		bytes := layerBytes(m, layer, s)
		largest = max(largest, bytes+scores)
		switch again {
		case RecomputeLayers:
			bytes = ceilDiv(m.Hidden*width, whole)
		case RecomputeSelective:
			bytes = keptOf(m, layer, s.tensorDegree()).selected * width
		case KeepAll:
			bytes += scores
		}
		all += bytes
	}
	all = cappedProduct(all, stage.inFlight)
	if again != KeepAll {
		all += largest // what is computed again stands beside what is kept
		if again == RecomputeAttention {
			all += scores - largest
		}
	}
	all += 3 * m.Hidden * width // the embedding, and the last norm's input and output
	return topology.Bytes(cappedProduct(tokens, all))
}

// cappedProduct multiplies what may be absurdly large and stops where sums of several results
// would not fit an int64.
func cappedProduct(a, b int64) int64 {
	const most = math.MaxInt64 / 16
	if a > 0 && b > most/a {
		return most
	}
	return a * b
}
