package simulated

import (
	"fmt"
	"os"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Option changes how a node is simulated.
type Option func(*options)

type options struct {
	directory string
	mig       []bool
}

// WithDirectory keeps what changes of the GPUs in files of a directory, which is made if
// need be. The state then outlives the process, as that of hardware does, and processes
// that name the directory for the same node share it.
func WithDirectory(directory string) Option {
	return func(o *options) { o.directory = directory }
}

// WithMIG starts the first GPUs with MIG mode on or off, those that have MIG. A state
// that is in the directory already stays as it is. MIG is off without it.
func WithMIG(modes ...bool) Option {
	return func(o *options) { o.mig = modes }
}

// openStore gives every GPU a state, or finds the one that it has.
func (l *Library) openStore(o options) error {
	states := make([]*gpuState, len(l.devices))
	for i, device := range l.devices {
		state := &gpuState{Version: stateVersion, UUID: device.uuid, ComputeMode: nvml.COMPUTEMODE_DEFAULT}
		if device.table != nil {
			state.MemorySlices = device.table.MemorySlices
			state.MIG = i < len(o.mig) && o.mig[i]
			state.PendingMIG = state.MIG
		}
		states[i] = state
	}
	l.store = &memoryStore{states: states}
	if o.directory != "" {
		if err := os.MkdirAll(o.directory, 0o700); err != nil {
			return fmt.Errorf("making the directory of simulated GPUs: %w", err)
		}
		store := directoryStore{path: o.directory}
		for i, state := range states {
			if err := store.create(i, state); err != nil {
				return err
			}
		}
		l.store = store
	}
	for _, device := range l.devices {
		device.store = l.store
	}
	return nil
}
