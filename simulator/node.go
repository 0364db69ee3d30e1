package simulator

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Node is one node of the cluster.
type Node struct {
	Name string
	// Inventory is what GPUs it hands out, nil for a node without GPUs. Nodes of one
	// make share it.
	Inventory *placement.Inventory
	Host      Host
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

func (n *Node) check() error {
	switch {
	case n.Name == "":
		return errors.New("has no name")
	case n.Joins < 0 || n.Joins > MaxTime:
		return fmt.Errorf("joins at %d ms: want 0 to %s", int64(n.Joins), MaxTime)
	case n.Price < 0:
		return fmt.Errorf("has price %d", n.Price)
	}
	return n.Host.Validate()
}

func (n *Node) gpus() int {
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
	// sliced is the MIG layout of each GPU, used the memory that those who are not kept
	// to a part of it have really allocated.
	sliced []layout
	used   []topology.Bytes
	// slices is the number of memory slices of each GPU, 0 without MIG.
	slices []int64
}

func newNodeState(n *Node) *nodeState {
	s := &nodeState{Node: n, up: n.Joins == 0}
	gpus := n.gpus()
	s.sliced, s.used = make([]layout, gpus), make([]topology.Bytes, gpus)
	if gpus > 0 {
		s.slices = slicesOf(n.Inventory)
	}
	return s
}

// open reports whether the node takes new members.
func (n *nodeState) open() bool { return n.up && !n.draining }

// part is Part for a grant on the node.
func (n *nodeState) part(grant *placement.DeviceAllocation) int64 {
	return partOf(n.Inventory, grant, n.slices[n.Inventory.Devices[grant.Device].GPU])
}

// Part is how much of a GPU a grant takes, in thousandths: all of it; a MIG instance's
// share of the memory slices; of a share the larger of its memory and its compute.
func Part(inv *placement.Inventory, grant *placement.DeviceAllocation) int64 {
	return partOf(inv, grant, slicesOf(inv)[inv.Devices[grant.Device].GPU])
}

func partOf(inv *placement.Inventory, grant *placement.DeviceAllocation, slices int64) int64 {
	offer := &inv.Devices[grant.Device]
	switch offer.Form {
	case placement.MIG:
		return offer.Placement.Size * int64(topology.WholeGPU) / max(1, slices)
	case placement.Share:
		if grant.Bytes == 0 {
			return int64(topology.WholeGPU)
		}
		bytes := int64(grant.Bytes/topology.MiB) * int64(topology.WholeGPU) / max(1, int64(offer.Memory/topology.MiB))
		return max(bytes, int64(grant.Compute))
	}
	return int64(topology.WholeGPU)
}

// slicesOf is the number of memory slices of each GPU, 0 without MIG.
func slicesOf(inv *placement.Inventory) []int64 {
	slices := make([]int64, len(inv.Node.GPUs))
	for i := range inv.Devices {
		if o := &inv.Devices[i]; o.Form == placement.MIG {
			slices[o.GPU] = max(slices[o.GPU], o.Placement.Start+o.Placement.Size)
		}
	}
	return slices
}
