package policy

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// NodeCapacity is what a node has to give when it is empty.
type NodeCapacity struct {
	Name string
	// CPU is in milli-CPU.
	CPU    int64
	Memory topology.Bytes
	// Pods is how many pods it takes.
	Pods int64
	GPUs int64
	// Model is that of its GPUs.
	Model string
}

// MaxMemory bounds the memory of a node and of a pod: sums over a million nodes still
// fit in an int64.
const MaxMemory = 1 << 42

// forecastCapacity is what package forecast knows of a node.
func (c NodeCapacity) forecastCapacity() forecast.NodeCapacity {
	return forecast.NodeCapacity{Name: c.Name, CPU: c.CPU, GPUs: c.GPUs, Model: c.Model}
}

// validateHost refuses what package forecast does not know of.
func (c NodeCapacity) validateHost() error {
	switch {
	case c.Memory < 0 || c.Memory > MaxMemory:
		return fmt.Errorf("node %s: memory: %s, want 0 to %s", c.Name, c.Memory, topology.Bytes(MaxMemory))
	case c.Pods < 0:
		return fmt.Errorf("node %s: pods: %d, want how many pods it takes", c.Name, c.Pods)
	}
	return nil
}

// TracePod is one pod to place.
type TracePod struct {
	forecast.PodClass
	// Memory decides where a pod fits but is no part of its class: no policy scores by
	// it.
	Memory topology.Bytes
}
