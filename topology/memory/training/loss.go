package training

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// LossForm is how the loss is computed from the output.
type LossForm string

// The forms.
const (
	// WholeLoss computes it over all tokens at once, which is what most do.
	WholeLoss LossForm = ""
	// ChunkedLoss computes it over parts of the tokens, as torchtune and LitGPT do.
	ChunkedLoss LossForm = "chunked"
	// FusedLoss computes gradients part by part with the last layer and keeps no logits, as
	// Liger's kernels and Cut Cross Entropy do.
	FusedLoss LossForm = "fused"
)

// LossForms lists those that are not the usual one.
func LossForms() []LossForm { return []LossForm{ChunkedLoss, FusedLoss} }

// lossParts is into how many parts a chunked loss divides the tokens.
const lossParts = 8

// lossBytes is what the output and its loss take where the backward pass begins: logits as they
// are computed, their logarithm of softmax in 32 bits, and in 32 bits the gradients of the two steps
// of cross entropy. Sources: cross_entropy_loss in PyTorch, which is log_softmax and then
// nll_loss, and derivatives.yaml for what each keeps and gives; ForCausalLMLoss in transformers, which
// turns logits into 32 bits before; CEWithChunkedOutputLoss in torchtune.
func lossBytes(m *model.Model, s *Settings, stage pipelineStage) topology.Bytes {
	if m.Kind == model.EncoderKind || !stage.last {
		return 0
	}
	tokens := s.Batch * (s.SequenceLength / s.contextDegree())
	logits := cappedProduct(tokens, ceilDiv(m.Vocabulary, s.tensorDegree()))
	width := s.numberWidths().kept
	switch s.Loss {
	case ChunkedLoss:
		return topology.Bytes(cappedProduct(logits, width+4) + ceilDiv(cappedProduct(logits, 8), lossParts))
	case FusedLoss:
		return topology.Bytes(cappedProduct(tokens, 2*m.Hidden*width))
	}
	return topology.Bytes(cappedProduct(logits, width+12))
}
