package training

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// layerNumbers is how many numbers a layer keeps of each token for its backward pass, with an
// attention that does not keep its scores (FlashAttention, SDPA), and without dropout: what
// every linear layer gives, what those get that follow an activation or the attention,
// what the norms give, and in a gated feed-forward layer the gate's activation. For GPT-2 of
// width h these are 16 h numbers: the 34 h bytes of Korthikanti et al. less dropout's masks.
func layerNumbers(m *model.Model, layer *model.Layer) int64 {
	sum := 2 * m.Hidden // the norms
	var given, taken int64
	for i := range layer.Tensors {
		t := &layer.Tensors[i]
		if t.Columns <= 1 {
			continue
		}
		times := t.Count
		if t.Routed { // a token visits some of the experts
			times = min(t.Count, max(1, m.ActiveExperts))
		}
		sum += times * t.Rows
		if t.Split == model.SplitColumns {
			sum += times * t.Columns
		}
		if t.Part == model.MLPPart || t.Part == model.ExpertsPart {
			switch t.Split {
			case model.SplitRows:
				given += times * t.Rows
			case model.SplitColumns:
				taken += times * t.Columns
			}
		}
	}
	return sum + max(0, given-taken) // gate and up give twice what down takes
}

// stepActivations is what a step over so many tokens keeps: with checkpointing, the input of
// each layer, and all of the one that is computed again.
func stepActivations(m *model.Model, s *Settings, checkpointing bool) topology.Bytes {
	tokens := s.Batch * s.SequenceLength
	var all, largest int64
	for _, kind := range m.Order {
		numbers := layerNumbers(m, &m.Layers[kind])
		largest = max(largest, numbers)
		all += numbers
	}
	if checkpointing {
		all = int64(len(m.Order))*m.Hidden + largest
	}
	all += 3 * m.Hidden // the embedding, and the last norm's input and output
	return topology.Bytes(cappedProduct(cappedProduct(tokens, all), s.tensorWidth()))
}

// lossBytes is what the output and its loss take: logits, their 32-bit copy and its
// gradient. Source: ForCausalLMLoss in transformers, which computes the loss in 32 bits.
func lossBytes(m *model.Model, s *Settings) topology.Bytes {
	if m.Kind == model.EncoderKind {
		return 0
	}
	return topology.Bytes(cappedProduct(cappedProduct(s.Batch*s.SequenceLength, m.Vocabulary), s.tensorWidth()+8))
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
