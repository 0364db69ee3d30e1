package training

import "github.com/ashlar-dev/ashlar/topology"

// States is what a GPU holds at the end of a backward pass: weights, gradients and what the
// optimizer keeps.
func (a *Account) States() topology.Bytes {
	return a.Weights + a.Gradients + a.Master + a.Moments + a.Casts
}

// Total is the peak of a step.
func (a *Account) Total() topology.Bytes { return a.totalWith(a.Activations) }

// OtherTotal is the peak of a step with recomputation of whole layers if the settings have none, and
// without any if they do.
func (a *Account) OtherTotal() topology.Bytes {
	if a.Settings.Recompute != KeepAll {
		return a.totalWith(a.Kept)
	}
	return a.totalWith(a.Checkpointed)
}

// totalWith is the larger of the two moments that may be the peak: where the backward pass begins, all
// activations stand, and gradients only if they are kept between steps; where it ends, all gradients stand,
// and no activations. In between, each layer gives back its activations as it gets its gradients.
func (a *Account) totalWith(activations topology.Bytes) topology.Bytes {
	rest := a.States() - a.Gradients + a.Gathered + a.Buckets + a.Libraries
	if a.KeepsGradients() {
		return rest + a.Gradients + activations + a.Loss
	}
	return rest + max(a.Gradients, activations+a.Loss)
}

// KeepsGradients reports whether gradients stand beside a step's activations.
func (a *Account) KeepsGradients() bool {
	s := &a.Settings
	return s.KeepGradients || s.Accumulation > 1 || s.Stage.isZeRO() || s.pipelineDegree() > 1
}

// Margin is by how much the total may be off: frameworks keep some more activations or fewer, their
// allocators lose memory to fragments, and a pipeline's schedule decides what is in flight. The
// published measurements of docs/results/training-memory.md lie within it.
func (a *Account) Margin() topology.Bytes {
	margin := a.Total()/20 + (a.Activations+a.Loss+a.Gathered+a.Buckets)/8 + 256*topology.MiB
	if a.Settings.pipelineDegree() > 1 {
		margin += a.Total() / 10
	}
	return margin
}
