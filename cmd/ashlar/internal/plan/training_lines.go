package plan

import (
	"cmp"
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory/training"
)

// precisionTexts say for people how wide numbers are.
var precisionTexts = map[training.Precision]string{
	training.MixedPrecision: "mixed precision", training.LossScaled: "mixed precision with a scaled loss",
	training.Autocast: "32 bits under autocast", training.HalfPrecision: "16 bits", training.SinglePrecision: "32 bits",
	training.EightBits: "mixed precision with products in 8 bits",
}

// recomputationTexts say what is computed again.
var recomputationTexts = map[training.Recomputation]string{
	training.RecomputeLayers: "with checkpointing", training.RecomputeSelective: "with selective checkpointing",
	training.RecomputeAttention: "with checkpointing of attention",
}

// describeTraining says how the model is trained: "adamw in mixed precision, 1 sequence of
// 4096 tokens on each GPU, with checkpointing, 8 GPUs that share by zero-3".
func describeTraining(s *training.Settings) string {
	sequences := "1 sequence"
	if s.Batch > 1 {
		sequences = fmt.Sprintf("%d sequences", s.Batch)
	}
	text := fmt.Sprintf("%s in %s, %s of %d tokens on each GPU", s.Optimizer, precisionTexts[s.Precision], sequences, s.SequenceLength)
	if s.Accumulation > 1 {
		text += fmt.Sprintf(", gradients over %d of them", s.Accumulation)
	}
	for _, part := range []string{
		recomputationTexts[s.Recompute],
		map[bool]string{true: "with eager attention"}[s.EagerAttention],
		map[bool]string{true: "with dropout"}[s.Dropout],
		map[training.LossForm]string{training.ChunkedLoss: "with a loss in parts", training.FusedLoss: "with a fused loss"}[s.Loss],
		map[training.HostOffload]string{training.OffloadOptimizer: "the optimizer in host memory",
			training.OffloadAll: "weights and the optimizer in " +
				"host memory"}[s.Offload],
	} {
		if part != "" {
			text += ", " + part
		}
	}
	for _, degree := range []struct {
		name  string
		value int64
	}{{"tensor", s.TensorParallel}, {"pipeline", s.PipelineParallel}, {"context", s.ContextParallel}} {
		if degree.value > 1 {
			text += fmt.Sprintf(", %s parallelism %d", degree.name, degree.value)
		}
	}
	switch {
	case s.Shards == 1:
	case s.Stage == training.ShardNothing:
		text += fmt.Sprintf(", %d GPUs that share nothing", s.Shards)
	default:
		text += fmt.Sprintf(", %d GPUs that share by %s", s.Shards, s.Stage)
	}
	return text
}

// writeTrainingAccount prints what one GPU holds, line by line.
func writeTrainingAccount(p *cli.Page, a *training.Account, total topology.Bytes) {
	rows := [][]string{}
	line := func(name string, bytes topology.Bytes, remark string) {
		if bytes > 0 {
			rows = append(rows, []string{"  " + name, bytes.String(), remark})
		}
	}
	name := "memory"
	if gpus := a.Settings.GPUCount(); gpus > 1 {
		name += fmt.Sprintf(", each of %d", gpus)
	}
	line(name, total, "")
	line("weights", a.Weights, bytesPerParameter(a, a.Weights))
	line("gradients", a.Gradients, cmp.Or(bytesPerParameter(a, a.Gradients), "of the adapters"))
	line("optimizer's moments", a.Moments, bytesPerParameter(a, a.Moments))
	line("32-bit copy of the weights", a.Master, bytesPerParameter(a, a.Master))
	line("16-bit casts of the weights", a.Casts, bytesPerParameter(a, a.Casts))
	line("together", a.States(), bytesPerParameter(a, a.States()))
	line("gathered for a while", a.Gathered, gatheredRemark(&a.Settings))
	line("buckets", a.Buckets, bucketRemark(&a.Settings))
	line("activations", a.Activations, activationRemark(a))
	line("output and loss", a.Loss, lossRemark(&a.Settings))
	line("driver and libraries", a.Libraries, "")
	changed := "with checkpointing"
	if a.Settings.Recompute != training.KeepAll {
		changed = "without checkpointing"
	}
	line("peak", a.Total(), fmt.Sprintf("%s; %s %s; give or take %s", peakRemark(a), changed, a.OtherTotal(), a.Margin()))
	line("in host memory", a.Host, "for each GPU")
	p.PrintTable(rows)
}

// bytesPerParameter says what each parameter takes where all are trained, on one GPU.
func bytesPerParameter(a *training.Account, bytes topology.Bytes) string {
	if a.Trained != a.Parameters {
		return ""
	}
	each := fmt.Sprintf("%.3g", float64(bytes)/float64(a.Parameters))
	if each == "1" {
		return "1 byte a parameter"
	}
	return each + " bytes a parameter"
}

func gatheredRemark(s *training.Settings) string {
	switch {
	case s.Stage == training.ShardGradOp, s.PipelineParallel > 1:
		return "all weights, whole from the forward to the backward pass"
	case s.QuantisedBase && s.Shards == 1:
		return "a linear layer's weights in 16 bits"
	case s.Precision == training.EightBits && s.Shards == 1:
		return "a layer's weights in 8 bits, and turned round"
	}
	return "weights of two layers and outside of them, gradients of one"
}

func bucketRemark(s *training.Settings) string {
	if s.Stage == training.ShardNothing {
		return "DDP's copy of all gradients"
	}
	return "what DeepSpeed reduces and gathers at once"
}

func activationRemark(a *training.Account) string {
	if a.Settings.Recompute != training.KeepAll {
		return fmt.Sprintf("without checkpointing %s", a.Kept)
	}
	return fmt.Sprintf("with checkpointing %s", a.Checkpointed)
}

func lossRemark(s *training.Settings) string {
	switch s.Loss {
	case training.FusedLoss:
		return "gradients of the last layer's input; no logits"
	case training.ChunkedLoss:
		return "logits and their softmax, gradients part by part"
	}
	return "logits, their softmax, and the gradients of both in 32 bits"
}

// peakRemark says when it takes most.
func peakRemark(a *training.Account) string {
	switch {
	case a.KeepsGradients():
		return "gradients stand beside activations"
	case a.Gradients > a.Activations+a.Loss:
		return "at the end of the backward pass"
	}
	return "before gradients replace activations"
}
