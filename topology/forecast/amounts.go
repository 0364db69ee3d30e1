package forecast

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ClusterAmounts is what the nodes of a cluster have left of CPU and GPUs. It belongs
// to one goroutine at a time.
type ClusterAmounts struct {
	nodes  []NodeAmounts
	models *modelIndex
	// capacity and idle are of all GPUs together, idleOf by model.
	capacity, idle topology.MilliGPU
	idleOf         []topology.MilliGPU
}

// NewClusterAmounts makes an empty cluster. It refuses amounts that no node has, GPUs
// without the name of one model, and more models than it can tell apart (64).
func NewClusterAmounts(nodes []NodeCapacity) (*ClusterAmounts, error) {
	m, err := newModelIndex(nodes)
	if err != nil {
		return nil, err
	}
	c := &ClusterAmounts{models: m, nodes: make([]NodeAmounts, len(nodes)), idleOf: make([]topology.MilliGPU, len(m.names))}
	for i, capacity := range nodes {
		if err := capacity.validateCapacity(); err != nil {
			return nil, err
		}
		model := NoModel
		if capacity.GPUs > 0 {
			model = m.numberOf(capacity.Model)
		}
		c.nodes[i] = newNodeAmounts(capacity, i, model)
		c.capacity += c.nodes[i].Idle
		if model >= 0 {
			c.idleOf[model] += c.nodes[i].Idle
		}
	}
	c.idle = c.capacity
	return c, nil
}

// Len is the number of nodes.
func (c *ClusterAmounts) Len() int { return len(c.nodes) }

// Models is the number of GPU models.
func (c *ClusterAmounts) Models() int { return len(c.models.names) }

// Node is a node as it is now; it must not be changed.
func (c *ClusterAmounts) Node(i int) *NodeAmounts { return &c.nodes[i] }

// Capacity is all GPUs together.
func (c *ClusterAmounts) Capacity() topology.MilliGPU { return c.capacity }

// Idle is what is left of all GPUs together.
func (c *ClusterAmounts) Idle() topology.MilliGPU { return c.idle }

// ResolvedClass is a class with its models looked up in one cluster.
type ResolvedClass struct {
	PodClass
	models modelSet
}

// AcceptsModel reports whether the class accepts GPUs of the model with that number.
func (r *ResolvedClass) AcceptsModel(model int) bool { return r.models.hasModel(model) }

// ResolveClass looks up the models of a class.
func (c *ClusterAmounts) ResolveClass(class PodClass) ResolvedClass {
	return ResolvedClass{PodClass: class, models: c.models.acceptedModels(class.Models)}
}

// TakeAmounts takes what a pod of the class takes of node i, on the given GPUs. The
// pod must fit there.
func (c *ClusterAmounts) TakeAmounts(i int, class *PodClass, gpus placement.GPUSet) {
	c.moveAmounts(i, class, gpus, -1)
}

// ReturnAmounts undoes TakeAmounts with the same arguments.
func (c *ClusterAmounts) ReturnAmounts(i int, class *PodClass, gpus placement.GPUSet) {
	c.moveAmounts(i, class, gpus, 1)
}

func (c *ClusterAmounts) moveAmounts(i int, class *PodClass, gpus placement.GPUSet, sign int64) {
	n := &c.nodes[i]
	n.CPU += sign * class.CPU
	n.changes++
	if class.GPUs == 0 {
		return
	}
	for gpu := range n.GPUs() {
		if gpus.Has(gpu) {
			n.GPU[gpu] += topology.MilliGPU(sign) * class.PerGPU
		}
	}
	c.noteIdle(n, topology.MilliGPU(sign)*class.AllGPUs())
}

// SetLeft says what node i has left: CPU in milli-CPU, and of each GPU.
func (c *ClusterAmounts) SetLeft(i int, cpu int64, gpus []topology.MilliGPU) {
	n := &c.nodes[i]
	n.CPU = cpu
	n.changes++
	var idle topology.MilliGPU
	for gpu := range n.GPUs() {
		n.GPU[gpu] = max(0, min(gpus[gpu], topology.WholeGPU))
		idle += n.GPU[gpu]
	}
	c.noteIdle(n, idle-n.Idle)
}

// noteIdle keeps the sums of a node, its model and the cluster.
func (c *ClusterAmounts) noteIdle(n *NodeAmounts, more topology.MilliGPU) {
	n.Idle += more
	c.idle += more
	if n.model >= 0 {
		c.idleOf[n.model] += more
	}
}
