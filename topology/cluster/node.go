package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NoDomain is the domain of a node that is in none.
const NoDomain int64 = -1

// Node is a node as it is when nobody uses it.
type Node struct {
	Name string
	// Inventory is what GPUs it hands out, nil for a node without GPUs. Nodes of one make
	// should share it: only then do they share answers.
	Inventory *placement.Inventory
	// Host is what it has besides GPUs.
	Host topology.HostResources
	// Domain numbers its NVLink domain or rack, NoDomain for none.
	Domain int64
}

// snapshotNode is a node and who holds what of it.
type snapshotNode struct {
	Node
	state placement.NodeState
}

// nodeRoom is what decides whether a pod can go to a node at all. It is kept apart from
// the rest of the node, because choosing among thousands of nodes reads little else.
type nodeRoom struct {
	free topology.HostResources
	// class is the number of the node's class, noClass without GPUs.
	class int32
	// closed says that the node takes nothing new.
	closed bool
}

// admitsPod reports whether a pod that takes so much of the host can go to the node.
func (r *nodeRoom) admitsPod(host topology.HostResources) bool {
	return !r.closed && host.Within(r.free)
}
