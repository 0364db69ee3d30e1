package training

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Account is what training takes on each GPU.
type Account struct {
	Settings Settings
	// Parameters is how many numbers the model has, Trained how many are updated.
	Parameters, Trained int64
	// Weights, Gradients, Master (the 32-bit copy) and Moments are this GPU's part.
	Weights, Gradients, Master, Moments topology.Bytes
	// Gathered is what is whole for a while where weights are sharded: those outside of
	// layers, two layers, and one layer's gradients.
	Gathered topology.Bytes
	// Activations are those of the settings; Kept and Checkpointed those without and with
	// checkpointing. Loss is what the output and its loss take.
	Activations, Kept, Checkpointed, Loss topology.Bytes
	// Libraries is the driver's context, and NCCL's buffers where there are several GPUs.
	Libraries topology.Bytes
}

// ncclBytes is what NCCL allocates on each GPU: 0.2 to 0.55 GiB in logs of servers.
const ncclBytes = 512 * topology.MiB

// NewAccount adds up what training takes on each of the settings' GPUs. The error is a
// *SettingsError.
func NewAccount(m *model.Model, s Settings) (*Account, error) {
	if err := s.checkSettings(m); err != nil {
		return nil, err
	}
	states := statesOf(m, &s)
	a := &Account{
		Settings: s, Parameters: trainableNumbers(m), Trained: states.trained, Libraries: memory.ContextSize,
		Weights: states.weights, Gradients: states.gradients, Master: states.master, Moments: states.moments,
		Kept: stepActivations(m, &s, false), Checkpointed: stepActivations(m, &s, true), Loss: lossBytes(m, &s),
	}
	if a.Activations = a.Kept; s.Checkpointing {
		a.Activations = a.Checkpointed
	}
	if s.Shards == 1 {
		return a, nil
	}
	a.Libraries += ncclBytes
	divide := func(stage ShardingStage, parts ...*topology.Bytes) {
		for _, part := range parts {
			if s.Stage >= stage {
				*part = topology.Bytes(ceilDiv(int64(*part), s.Shards))
			}
		}
	}
	divide(ShardOptimizer, &a.Master, &a.Moments)
	divide(ShardGradients, &a.Gradients)
	divide(ShardParameters, &a.Weights)
	if s.Stage == ShardParameters {
		a.Gathered = min(states.outer+2*states.layer, states.weights)
		if s.AdapterRank == 0 {
			a.Gathered += states.layer
		}
	}
	return a, nil
}

// trainableNumbers is how many numbers the model has without draft layers.
func trainableNumbers(m *model.Model) int64 {
	return statesOf(m, &Settings{Optimizer: SGD, Precision: HalfPrecision}).trained
}

// States is what a GPU holds between steps.
func (a *Account) States() topology.Bytes { return a.Weights + a.Gradients + a.Master + a.Moments }

// Total is the peak of a step.
func (a *Account) Total() topology.Bytes { return a.totalWith(a.Activations) }

// OtherTotal is the peak of a step with checkpointing if the settings have none, and without
// it if they do.
func (a *Account) OtherTotal() topology.Bytes {
	if a.Settings.Checkpointing {
		return a.totalWith(a.Kept)
	}
	return a.totalWith(a.Checkpointed)
}

func (a *Account) totalWith(activations topology.Bytes) topology.Bytes {
	return a.States() + a.Gathered + activations + a.Loss + a.Libraries
}

// Margin is by how much the total may be off: frameworks keep some more activations or
// fewer, and their allocators lose some memory to fragments.
func (a *Account) Margin() topology.Bytes {
	return a.States()/50 + (a.Activations+a.Loss+a.Gathered)/5 + 256*topology.MiB
}
