package forecast

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
)

// Cluster is nodes in tie-break order: of two that rate the same the first wins.
type Cluster struct {
	nodes  []Node
	models *models
	// capacity and idle are of all GPUs together, idleOf by model.
	capacity, idle topology.MilliGPU
	idleOf         []topology.MilliGPU
	// changed lists the nodes in the order of their changes, forgotten is how many
	// changes came before those.
	changed   []int32
	forgotten int64
}

// New makes an empty cluster.
func New(nodes []Capacity) (*Cluster, error) {
	m, err := newModels(nodes)
	if err != nil {
		return nil, err
	}
	c := &Cluster{models: m, nodes: make([]Node, len(nodes)), idleOf: make([]topology.MilliGPU, len(m.names))}
	for i, capacity := range nodes {
		if err := capacity.check(); err != nil {
			return nil, err
		}
		model := none
		if capacity.GPUs > 0 {
			model = m.number(capacity.Model)
		}
		c.nodes[i] = newNode(capacity, i, model)
		c.capacity += c.nodes[i].Idle
		if model >= 0 {
			c.idleOf[model] += c.nodes[i].Idle
		}
	}
	c.idle = c.capacity
	return c, nil
}

// Len is the number of nodes.
func (c *Cluster) Len() int { return len(c.nodes) }

// Node is a node as it is now; it must not be changed.
func (c *Cluster) Node(i int) *Node { return &c.nodes[i] }

// Capacity is all GPUs together.
func (c *Cluster) Capacity() topology.MilliGPU { return c.capacity }

// Idle is what is left of all GPUs together.
func (c *Cluster) Idle() topology.MilliGPU { return c.idle }

// Request is a class with its models looked up in one cluster.
type Request struct {
	Class
	models modelSet
}

// Request looks up the models of a class.
func (c *Cluster) Request(class Class) Request {
	return Request{Class: class, models: c.models.accepted(class.Models)}
}

// Choice is where a pod goes: a node and, if it takes a share, a GPU. Others take the
// first GPUs that nobody uses.
type Choice struct{ Node, GPU int }

// Grant is what a pod holds.
type Grant struct {
	Pod  Pod
	Node int
	GPUs GPUSet
}

// Place gives a pod what it asks for. It refuses a choice that does not fit.
func (c *Cluster) Place(pod Pod, at Choice) (Grant, error) {
	if err := pod.Check(); err != nil {
		return Grant{}, err
	}
	if at.Node < 0 || at.Node >= len(c.nodes) {
		return Grant{}, fmt.Errorf("node %d: the cluster has %d nodes", at.Node, len(c.nodes))
	}
	n := &c.nodes[at.Node]
	r := c.Request(pod.Class)
	if pod.Memory < 0 || !n.fits(&r) || !n.admits(pod.Memory) {
		return Grant{}, fmt.Errorf("node %s: the pod does not fit", n.Capacity.Name)
	}
	if pod.Shares() && (at.GPU < 0 || at.GPU >= len(n.GPUs()) || n.GPU[at.GPU] < pod.PerGPU) {
		return Grant{}, fmt.Errorf("node %s: GPU %d has no %d thousandths left", n.Capacity.Name, at.GPU, pod.PerGPU)
	}
	grant := Grant{Pod: pod, Node: at.Node, GPUs: n.pick(&pod.Class, at.GPU)}
	n.take(&pod, grant.GPUs)
	c.note(n, -pod.AllGPUs())
	return grant, nil
}

// Release takes back what Place granted. A grant must be released only once.
func (c *Cluster) Release(grant Grant) {
	n := &c.nodes[grant.Node]
	n.giveBack(&grant.Pod, grant.GPUs)
	c.note(n, grant.Pod.AllGPUs())
}

// note keeps the sums and the list of changes. The list stays within a few times the
// number of nodes: who is further behind looks at every node anyway.
func (c *Cluster) note(n *Node, freed topology.MilliGPU) {
	c.idle += freed
	if n.model >= 0 {
		c.idleOf[n.model] += freed
	}
	if len(c.changed) >= 4*len(c.nodes) {
		c.forgotten += int64(len(c.changed))
		c.changed = c.changed[:0]
	}
	c.changed = append(c.changed, int32(n.index))
}

// changes is how many changes there were so far.
func (c *Cluster) changes() int64 { return c.forgotten + int64(len(c.changed)) }

// since is the nodes that changed since there were that many changes, some repeatedly;
// not known if that is too long ago.
func (c *Cluster) since(changes int64) (nodes []int32, known bool) {
	if changes < c.forgotten {
		return nil, false
	}
	return c.changed[changes-c.forgotten:], true
}
