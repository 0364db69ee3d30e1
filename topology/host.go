package topology

import "fmt"

// MilliCPU is an amount of CPU time, in thousandths of a core.
type MilliCPU int64

// HostResources is what a node has, or a pod takes, besides GPUs.
type HostResources struct {
	CPU    MilliCPU `json:"cpuMilli"`
	Memory Bytes    `json:"memoryBytes"`
}

// maxHostResource bounds both, so that sums over nodes and pods stay within an int64.
const maxHostResource = 1 << 50

// Within reports whether h is no more than what is free.
func (h HostResources) Within(free HostResources) bool {
	return h.CPU <= free.CPU && h.Memory <= free.Memory
}

// Plus is the sum of two amounts.
func (h HostResources) Plus(other HostResources) HostResources {
	return HostResources{CPU: h.CPU + other.CPU, Memory: h.Memory + other.Memory}
}

// Minus is what remains of h without other.
func (h HostResources) Minus(other HostResources) HostResources {
	return HostResources{CPU: h.CPU - other.CPU, Memory: h.Memory - other.Memory}
}

// Validate refuses amounts that no node has.
func (h HostResources) Validate() error {
	if h.CPU < 0 || h.CPU > maxHostResource || h.Memory < 0 || h.Memory > maxHostResource {
		return fmt.Errorf("%d milli-CPU and %d bytes of host memory: want 0 to %d of each", h.CPU, h.Memory, int64(maxHostResource))
	}
	return nil
}
