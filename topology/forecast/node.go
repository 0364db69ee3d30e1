package forecast

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// Capacity is what a node has to give when it is empty.
type Capacity struct {
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

func (c Capacity) check() error {
	switch {
	case c.CPU < 0 || c.CPU > MaxCPU:
		return fmt.Errorf("node %s: CPU: %d milli, want 0 to %d", c.Name, c.CPU, int64(MaxCPU))
	case c.Memory < 0 || c.Memory > MaxMemory:
		return fmt.Errorf("node %s: memory: %s, want 0 to %s", c.Name, c.Memory, topology.Bytes(MaxMemory))
	case c.GPUs < 0 || c.GPUs > topology.MaxGPUs:
		return fmt.Errorf("node %s: GPUs: %d, want 0 to %d", c.Name, c.GPUs, topology.MaxGPUs)
	case c.Pods < 0:
		return fmt.Errorf("node %s: pods: %d, want how many pods it takes", c.Name, c.Pods)
	}
	return nil
}

// Node is what a node has left.
type Node struct {
	Capacity Capacity
	// CPU is in milli-CPU.
	CPU    int64
	Memory topology.Bytes
	Pods   int64
	// GPU is what is left of each GPU; Idle is the sum.
	GPU  [topology.MaxGPUs]topology.MilliGPU
	Idle topology.MilliGPU
	// Kinds counts the GPU pods on the node: [0] those with a share, [k] those with k
	// whole GPUs.
	Kinds [topology.MaxGPUs + 1]int64

	index int
	model int
	// changes counts what was placed and released here.
	changes int64
}

func newNode(capacity Capacity, index, model int) Node {
	n := Node{
		Capacity: capacity, CPU: capacity.CPU, Memory: capacity.Memory, Pods: capacity.Pods,
		Idle: topology.MilliGPU(capacity.GPUs) * topology.WholeGPU, index: index, model: model,
	}
	for i := range n.GPUs() {
		n.GPU[i] = topology.WholeGPU
	}
	return n
}

// GPUs is what is left of the GPUs that the node has.
func (n *Node) GPUs() []topology.MilliGPU { return n.GPU[:n.Capacity.GPUs] }

// fits reports whether a pod of the class fits, as far as its class says.
func (n *Node) fits(r *Request) bool {
	if n.CPU < r.CPU {
		return false
	}
	if r.GPUs == 0 {
		return true
	}
	if n.Idle < r.AllGPUs() || !r.models.has(n.model) {
		return false
	}
	var enough int64
	for _, left := range n.GPUs() {
		if left >= r.PerGPU {
			enough++
		}
	}
	return enough >= r.GPUs
}

// admits reports whether a pod of which the class fits can really be placed.
func (n *Node) admits(memory topology.Bytes) bool { return n.Memory >= memory && n.Pods > 0 }

// take gives the pod what it asks for, of the GPUs in gpus.
func (n *Node) take(pod *Pod, gpus GPUSet) { n.move(pod, gpus, -1) }

// giveBack undoes take.
func (n *Node) giveBack(pod *Pod, gpus GPUSet) { n.move(pod, gpus, 1) }

func (n *Node) move(pod *Pod, gpus GPUSet, sign int64) {
	n.CPU += sign * pod.CPU
	n.Memory += topology.Bytes(sign) * pod.Memory
	n.Pods += sign
	n.changes++
	if pod.GPUs == 0 {
		return
	}
	n.Idle += topology.MilliGPU(sign) * pod.AllGPUs()
	n.Kinds[pod.kind()] -= sign
	for i := range n.GPUs() {
		if gpus.Has(i) {
			n.GPU[i] += topology.MilliGPU(sign) * pod.PerGPU
		}
	}
}

// pick is the GPUs that a pod which fits gets: a share the one given, others the first
// that nobody uses.
func (n *Node) pick(class *Class, share int) GPUSet {
	if class.GPUs == 0 {
		return 0
	}
	if class.Shares() {
		return 1 << share
	}
	var set GPUSet
	need := class.GPUs
	for i, left := range n.GPUs() {
		if need > 0 && left == topology.WholeGPU {
			set |= 1 << i
			need--
		}
	}
	return set
}

// bestFitGPU is the GPU with the least left that a share fits on, the first of equals.
func (n *Node) bestFitGPU(share topology.MilliGPU) int {
	best := 0
	found := false
	for i, left := range n.GPUs() {
		if left >= share && (!found || left < n.GPU[best]) {
			best, found = i, true
		}
	}
	return best
}

// GPUSet is a set of one node's GPUs: bit i is GPU i.
type GPUSet uint32

// Has reports whether GPU i is in the set.
func (s GPUSet) Has(i int) bool { return s&(1<<i) != 0 }
