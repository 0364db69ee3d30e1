package memory

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// GPU is what a model server finds itself on: a whole GPU or a MIG slice.
type GPU struct {
	// Name is how people know it, for example "NVIDIA L4" or "NVIDIA A30 2g.12gb".
	Name string
	// Total is what CUDA reports as total memory, which is NVML's total less what the
	// driver reserves.
	Total   topology.Bytes
	Compute topology.ComputeCapability
}

// unseenReserve is what a driver keeps for itself where no capture shows it: the
// middle of those that do (GPUs of 16 to 180 GiB keep 0.2 to 1 GiB).
const unseenReserve = 600 * topology.MiB

// ContextSize is what the driver takes on a GPU for one process before it allocates
// anything: total less free at the start of an idle GPU, in public vLLM logs of an
// H100 (0.53 GiB), L40S (0.49) and RTX 3090 (0.51).
const ContextSize = 512 * topology.MiB

// WholeGPU is a whole GPU of the given model.
func WholeGPU(m *topology.Model) GPU {
	reserved := m.Reserved
	if reserved == 0 {
		reserved = min(unseenReserve, m.Memory/20)
	}
	return GPU{Name: m.Product, Total: m.Memory - reserved, Compute: m.Compute}
}

// MIGSlice is a MIG slice of the given model, with the memory of its profile, of which
// the driver has already taken its part.
func MIGSlice(m *topology.Model, profile string, memory topology.Bytes) GPU {
	return GPU{Name: fmt.Sprintf("%s %s", m.Product, profile), Total: memory, Compute: m.Compute}
}

func (g GPU) atLeast(major, minor int64) bool {
	return !g.Compute.Less(topology.ComputeCapability{Major: major, Minor: minor})
}

// largeLibraries is from which memory on libraries keep larger buffers on a GPU.
const largeLibraries = 60 * topology.GiB

// isLinked reports whether GPUs of this kind have NVLink to one another: those of data centres with more than 60 GiB.
func (g GPU) isLinked() bool { return g.Total > largeLibraries && !g.atLeast(12, 0) }
