package simulator

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Node is one node of the cluster.
type Node struct {
	Name string
	// Inventory is what GPUs it hands out, nil for a node without GPUs. Nodes of one
	// make share it.
	Inventory *placement.Inventory
	// Sharing is how each GPU is handed out to members that ask for replicas
	// (NodeRequest.Replica); nil where that is not limited.
	Sharing []GPUSharing
	Host    Host
	// Domain numbers the NVLink domain or rack, cluster.NoDomain for none.
	Domain int64
	// Joins is when the node is first there.
	Joins Time
	// Price is what an hour of each GPU costs, in millionths of a dollar; 0 if unknown.
	Price int64
}

// Bounds of what one run may hold.
const (
	MaxNodes = 20_000
	MaxJobs  = 5_000_000
)

func (n *Node) validateNode() error {
	switch {
	case n.Name == "":
		return errors.New("has no name")
	case n.Joins < 0 || n.Joins > MaxTime:
		return fmt.Errorf("joins at %d ms: want 0 to %s", int64(n.Joins), MaxTime)
	case n.Price < 0:
		return fmt.Errorf("has price %d", n.Price)
	case len(n.Sharing) > 0 && len(n.Sharing) != n.gpuCount():
		return fmt.Errorf("says of %d GPUs how they are shared, and has %d", len(n.Sharing), n.gpuCount())
	}
	for gpu := range n.Sharing {
		if err := n.Sharing[gpu].validateSharing(); err != nil {
			return err
		}
	}
	return n.Host.Validate()
}

func (n *Node) gpuCount() int {
	if n.Inventory == nil {
		return 0
	}
	return len(n.Inventory.Node.GPUs)
}

// nodeState is what a node is doing.
type nodeState struct {
	*Node
	// up says that it is there, draining that it takes nothing new.
	up, draining bool
	// outage counts failures and drains, so that the return from an earlier one is void.
	outage int64
	// layouts has the MIG layout of each GPU, and parts what is held of the parts of each
	// GPU by members with replicas.
	layouts []migLayout
	parts   [][]partState
}

func newNodeState(n *Node) *nodeState {
	s := &nodeState{Node: n, up: n.Joins == 0}
	s.layouts, s.parts = make([]migLayout, n.gpuCount()), newParts(n)
	return s
}

// isOpen reports whether the node takes new members.
func (n *nodeState) isOpen() bool { return n.up && !n.draining }

// fractionOf is how much of a GPU an allocation on the node takes, in thousandths.
func (n *nodeState) fractionOf(allocation *placement.DeviceAllocation) int64 {
	return int64(n.Inventory.Fraction(*allocation, placement.RoundDown))
}
