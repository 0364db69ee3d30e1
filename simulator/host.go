package simulator

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// MilliCPU is an amount of CPU time, in thousandths of a core.
type MilliCPU int64

// Host is what a node has, or a job takes, besides GPUs.
type Host struct {
	CPU    MilliCPU       `json:"cpuMilli"`
	Memory topology.Bytes `json:"memoryBytes"`
}

// maxHost bounds both, so that sums stay within an int64.
const maxHost = 1 << 50

func (h Host) within(free Host) bool { return h.CPU <= free.CPU && h.Memory <= free.Memory }

func (h Host) plus(other Host) Host {
	return Host{CPU: h.CPU + other.CPU, Memory: h.Memory + other.Memory}
}

func (h Host) minus(other Host) Host {
	return Host{CPU: h.CPU - other.CPU, Memory: h.Memory - other.Memory}
}

func (h Host) check() error {
	if h.CPU < 0 || h.CPU > maxHost || h.Memory < 0 || h.Memory > maxHost {
		return fmt.Errorf("%d milli-CPU and %d bytes of host memory: want 0 to %d of each", h.CPU, h.Memory, int64(maxHost))
	}
	return nil
}
