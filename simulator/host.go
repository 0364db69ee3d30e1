package simulator

import "github.com/ashlar-dev/ashlar/topology"

// MilliCPU is an amount of CPU time, in thousandths of a core.
type MilliCPU = topology.MilliCPU

// Host is what a node has, or a job takes, besides GPUs.
type Host = topology.HostResources
