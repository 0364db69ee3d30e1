package forecast

import (
	"fmt"
	"iter"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NodeCapacity is what a node has to give when it is empty.
type NodeCapacity struct {
	Name string
	// CPU is in milli-CPU. Only what pods without GPUs cost depends on it.
	CPU  int64
	GPUs int64
	// Model is that of its GPUs.
	Model string
}

// validateCapacity refuses amounts that no node has.
func (c NodeCapacity) validateCapacity() error {
	switch {
	case c.CPU < 0 || c.CPU > MaxCPU:
		return fmt.Errorf("node %s: CPU: %d milli, want 0 to %d", c.Name, c.CPU, int64(MaxCPU))
	case c.GPUs < 0 || c.GPUs > topology.MaxGPUs:
		return fmt.Errorf("node %s: GPUs: %d, want 0 to %d", c.Name, c.GPUs, topology.MaxGPUs)
	}
	return nil
}

// NodeAmounts is what a node has left.
type NodeAmounts struct {
	Capacity NodeCapacity
	// CPU is in milli-CPU.
	CPU int64
	// GPU is what is left of each GPU; Idle is the sum.
	GPU  [topology.MaxGPUs]topology.MilliGPU
	Idle topology.MilliGPU

	index int
	model int
	// changes counts how often the amounts changed.
	changes int64
}

func newNodeAmounts(capacity NodeCapacity, index, model int) NodeAmounts {
	n := NodeAmounts{
		Capacity: capacity, CPU: capacity.CPU,
		Idle: topology.MilliGPU(capacity.GPUs) * topology.WholeGPU, index: index, model: model,
	}
	for i := range n.GPUs() {
		n.GPU[i] = topology.WholeGPU
	}
	return n
}

// GPUs is what is left of the GPUs that the node has.
func (n *NodeAmounts) GPUs() []topology.MilliGPU { return n.GPU[:n.Capacity.GPUs] }

// Model is the number of the node's GPU model, less than ClusterAmounts.Models;
// NoModel without GPUs.
func (n *NodeAmounts) Model() int { return n.model }

// Fits reports whether a pod of the class fits, as far as its class says.
func (n *NodeAmounts) Fits(class *ResolvedClass) bool {
	if n.CPU < class.CPU {
		return false
	}
	if class.GPUs == 0 {
		return true
	}
	if n.Idle < class.AllGPUs() || !class.models.hasModel(n.model) {
		return false
	}
	var enough int64
	for _, left := range n.GPUs() {
		if left >= class.PerGPU {
			enough++
		}
	}
	return enough >= class.GPUs
}

// PickGPUs is the GPUs that a pod which fits gets: a share the one given, others the
// first that nobody uses.
func (n *NodeAmounts) PickGPUs(class *PodClass, share int) placement.GPUSet {
	if class.GPUs == 0 {
		return 0
	}
	if class.SharesGPU() {
		return 1 << share
	}
	var set placement.GPUSet
	need := class.GPUs
	for i, left := range n.GPUs() {
		if need > 0 && left == topology.WholeGPU {
			set |= 1 << i
			need--
		}
	}
	return set
}

// SharableGPUs yields the GPUs that a share fits on, of those with the same amount left
// only the first.
func (n *NodeAmounts) SharableGPUs(share topology.MilliGPU) iter.Seq[int] {
	return func(yield func(gpu int) bool) {
		for i, left := range n.GPUs() {
			if left >= share && !slices.Contains(n.GPU[:i], left) && !yield(i) {
				return
			}
		}
	}
}
