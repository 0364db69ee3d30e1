package policy

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ClusterState is nodes in tie-break order: of two with the same score the first wins.
type ClusterState struct {
	// amounts is the CPU and the GPUs of the nodes.
	amounts *forecast.ClusterAmounts
	nodes   []NodeState
	log     changeLog
}

// NewClusterState makes an empty cluster. It refuses amounts that no node has, and GPUs
// without the name of one model.
func NewClusterState(nodes []NodeCapacity) (*ClusterState, error) {
	capacities := make([]forecast.NodeCapacity, len(nodes))
	for i := range nodes {
		if err := nodes[i].validateHost(); err != nil {
			return nil, err
		}
		capacities[i] = nodes[i].forecastCapacity()
	}
	amounts, err := forecast.NewClusterAmounts(capacities)
	if err != nil {
		return nil, err
	}
	c := &ClusterState{amounts: amounts, nodes: make([]NodeState, len(nodes))}
	for i := range nodes {
		c.nodes[i] = NodeState{NodeAmounts: amounts.Node(i), Memory: nodes[i].Memory, Pods: nodes[i].Pods, index: i}
	}
	return c, nil
}

// Amounts is the CPU and the GPUs of the nodes; it must not be changed.
func (c *ClusterState) Amounts() *forecast.ClusterAmounts { return c.amounts }

// Len is the number of nodes.
func (c *ClusterState) Len() int { return len(c.nodes) }

// Node is a node as it is now; it must not be changed.
func (c *ClusterState) Node(i int) *NodeState { return &c.nodes[i] }

// Capacity is all GPUs together.
func (c *ClusterState) Capacity() topology.MilliGPU { return c.amounts.Capacity() }

// Idle is what is left of all GPUs together.
func (c *ClusterState) Idle() topology.MilliGPU { return c.amounts.Idle() }

// NodeChoice is where a pod goes: a node and, if it takes a share, a GPU. Others take
// the first GPUs that nobody uses.
type NodeChoice struct{ Node, GPU int }

// PodAllocation is what a pod holds.
type PodAllocation struct {
	Pod  TracePod
	Node int
	GPUs placement.GPUSet
}

// Place gives a pod what it asks for. It refuses a choice that does not fit.
func (c *ClusterState) Place(pod TracePod, at NodeChoice) (PodAllocation, error) {
	if err := pod.Validate(); err != nil {
		return PodAllocation{}, err
	}
	if at.Node < 0 || at.Node >= len(c.nodes) {
		return PodAllocation{}, fmt.Errorf("node %d: the cluster has %d nodes", at.Node, len(c.nodes))
	}
	n := &c.nodes[at.Node]
	r := c.amounts.ResolveClass(pod.PodClass)
	if pod.Memory < 0 || !n.Fits(&r) || !n.admitsPod(pod.Memory) {
		return PodAllocation{}, fmt.Errorf("node %s: the pod does not fit", n.Capacity.Name)
	}
	if pod.SharesGPU() && (at.GPU < 0 || at.GPU >= len(n.GPUs()) || n.GPU[at.GPU] < pod.PerGPU) {
		return PodAllocation{}, fmt.Errorf("node %s: GPU %d has no %d thousandths left", n.Capacity.Name, at.GPU, pod.PerGPU)
	}
	a := PodAllocation{Pod: pod, Node: at.Node, GPUs: n.PickGPUs(&pod.PodClass, at.GPU)}
	c.amounts.TakeAmounts(a.Node, &a.Pod.PodClass, a.GPUs)
	n.moveHost(&a.Pod, -1)
	c.log.noteChange(a.Node, len(c.nodes))
	return a, nil
}

// Release takes back what Place gave. An allocation must be released only once.
func (c *ClusterState) Release(a PodAllocation) {
	c.amounts.ReturnAmounts(a.Node, &a.Pod.PodClass, a.GPUs)
	c.nodes[a.Node].moveHost(&a.Pod, 1)
	c.log.noteChange(a.Node, len(c.nodes))
}
