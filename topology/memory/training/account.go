package training

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Account is what training takes on each GPU, on the fullest one of a pipeline.
type Account struct {
	Settings Settings
	// Parameters is how many numbers the model has, Trained how many are updated.
	Parameters, Trained int64
	// Weights, Gradients, Master (the 32-bit copy) and Moments are this GPU's part, and Casts the
	// 16-bit copies that autocast multiplies.
	Weights, Gradients, Master, Moments, Casts topology.Bytes
	// Gathered is what is whole for a while where weights are sharded, or stands in another width for
	// a while where they are quantised.
	Gathered topology.Bytes
	// Buckets is what is sent between GPUs at once: DDP's copy of all gradients, DeepSpeed's
	// buckets of 500 million numbers.
	Buckets topology.Bytes
	// Activations are those of the settings; Kept and Checkpointed those without recomputation and with
	// that of whole layers. Loss is what the output and its loss take.
	Activations, Kept, Checkpointed, Loss topology.Bytes
	// Libraries is the driver's context, and NCCL's buffers where there are several GPUs.
	Libraries topology.Bytes
	// Host is what each GPU's process keeps in host memory instead.
	Host topology.Bytes
}

// ncclBytes is what NCCL allocates on each GPU: 0.2 to 0.55 GiB in logs of servers.
const ncclBytes = 512 * topology.MiB

// NewAccount adds up what training takes on each of the settings' GPUs. The error is a
// *SettingsError.
func NewAccount(m *model.Model, s Settings) (*Account, error) {
	if err := s.checkSettings(m); err != nil {
		return nil, err
	}
	var fullest *Account
	var trained int64
	stages := stagesOf(m, &s)
	for _, stage := range stages {
		a := accountStage(m, &s, stage)
		trained = max(trained, a.Trained)
		if fullest == nil || a.Total() > fullest.Total() {
			fullest = a
		}
	}
	fullest.Parameters = trainableNumbers(m)
	if fullest.Trained = fullest.Parameters; s.AdapterRank > 0 {
		whole := s
		whole.TensorParallel, whole.PipelineParallel = 1, 1
		fullest.Trained = statesOf(m, &whole, stagesOf(m, &whole)[0]).trained
	}
	return fullest, nil
}

// accountStage is the account of a GPU of one pipeline stage.
func accountStage(m *model.Model, s *Settings, stage pipelineStage) *Account {
	states := statesOf(m, s, stage)
	a := &Account{
		Settings: *s, Trained: states.trained, Libraries: memory.ContextSize,
		Weights: states.weights, Gradients: states.gradients, Master: states.master, Moments: states.moments, Casts: states.casts,
		Kept: stepActivations(m, s, stage, KeepAll), Checkpointed: stepActivations(m, s, stage, RecomputeLayers),
		Activations: stepActivations(m, s, stage, s.Recompute), Loss: lossBytes(m, s, stage),
		Gathered: states.dequantised,
	}
	if s.FusedStep {
		a.Gradients = min(a.Gradients, max(states.outer, states.layer))
	}
	if s.Precision == EightBits { // a layer's weights in 8 bits, and turned round
		a.Gathered += states.layer
	}
	if s.GPUCount() > 1 {
		a.Libraries += ncclBytes
	}
	if s.sharesOver() > 1 || s.Offload == OffloadAll {
		a.shareStates(s, &states)
	}
	a.moveToHost(s)
	return a
}

// shareStates divides what GPUs share, and adds what they make whole or send. Sources: Rajbhandari
// et al., "ZeRO" (2020), section 5; the documentation of torch.distributed.fsdp.ShardingStrategy, of
// DistributedDataParallel's gradient_as_bucket_view, and of DeepSpeed's reduce_bucket_size and
// allgather_bucket_size.
func (a *Account) shareStates(s *Settings, states *modelStates) {
	divide := func(stage ShardingStage, parts ...*topology.Bytes) {
		for _, part := range parts {
			if s.Stage >= stage {
				*part = topology.Bytes(ceilDiv(int64(*part), s.sharesOver()))
			}
		}
	}
	divide(ShardOptimizer, &a.Master, &a.Moments)
	switch {
	case !a.accumulatesWhole():
		divide(ShardGradients, &a.Gradients)
	case s.pipelineDegree() > 1 && s.numberWidths().master > 0: // summed up in the width that is reduced
		a.Gradients *= 2
	}
	divide(ShardParameters, &a.Weights, &a.Casts)
	whole := states.outer + 2*states.layer
	switch {
	case s.Stage == ShardNothing && s.Shards > 1:
		a.Buckets = states.gradients
	case s.Stage.isZeRO():
		numbers := int64(deepSpeedBucket)
		if s.BucketNumbers > 0 {
			numbers = s.BucketNumbers
		}
		a.Buckets = min(topology.Bytes(numbers*s.numberWidths().weight), states.gradients) * 2 // reduced, and gathered
	case s.Stage == ShardGradOp, s.pipelineDegree() > 1 && s.Stage.ShardsWeights():
		whole = states.weights
	}
	if s.Stage.ShardsWeights() {
		a.Gathered += min(whole, states.weights)
		if s.AdapterRank == 0 && !a.accumulatesWhole() {
			a.Gathered += states.layer
		}
	}
}

// deepSpeedBucket is how many numbers DeepSpeed sends at once unless told otherwise.
const deepSpeedBucket = 500_000_000

// accumulatesWhole reports whether gradients are summed up before they are shared: under FSDP over several
// batches, for which Accelerate enters no_sync, and over a pipeline's. Sources: "Gradient synchronization"
// of Accelerate's documentation; the warning on memory at no_sync of FullyShardedDataParallel; and
// to_accumulated_grad_if_needed of fully_shard, which sums up in 32 bits where those are reduced.
func (a *Account) accumulatesWhole() bool {
	s := &a.Settings
	return s.Stage.ShardsWeights() && s.Offload != OffloadAll && (s.Accumulation > 1 || s.pipelineDegree() > 1)
}

// moveToHost moves what is offloaded, and paged moments, which CUDA moves as a step needs the room.
func (a *Account) moveToHost(s *Settings) {
	move := func(parts ...*topology.Bytes) {
		for _, part := range parts {
			a.Host += *part
			*part = 0
		}
	}
	if optimizerStates[s.Optimizer].paged {
		move(&a.Moments)
	}
	if s.Offload == OffloadOptimizer || s.Offload == OffloadAll {
		move(&a.Master, &a.Moments, &a.Gradients)
	}
	if s.Offload == OffloadAll {
		move(&a.Weights, &a.Casts)
	}
}

// trainableNumbers is how many numbers the model has without draft layers.
func trainableNumbers(m *model.Model) int64 {
	s := Settings{Optimizer: SGD, Precision: HalfPrecision}
	return statesOf(m, &s, stagesOf(m, &s)[0]).trained
}
