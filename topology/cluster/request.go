package cluster

import (
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PodRequest is what one pod asks of each node, in the node's terms: devices are
// numbered differently on each make of node. Nodes of one inventory must be asked the
// same, unless the request is Selective too.
type PodRequest interface {
	// RequestOn is what the pod asks of a node with GPUs. A pod may name alternatives:
	// preference 0 is what it likes best, and nil says that there are no more of them.
	RequestOn(node, preference int) *placement.Request
}

// Selective is a PodRequest that accepts different devices on nodes of one inventory,
// because a selector reads what is no part of an inventory: a GPU's UUID, a driver
// version, the node's name.
type Selective interface {
	PodRequest
	// AcceptanceKey tells such nodes apart. Nodes of one inventory with equal keys must
	// have equal requests.
	AcceptanceKey(node int) AcceptanceKey
}

// AcceptanceKey numbers the different sets of devices that a pod accepts on nodes of one
// inventory.
type AcceptanceKey int32

// ByInventory is a PodRequest that depends on a node's inventory only.
func (s *Snapshot) ByInventory(request func(*placement.Inventory) *placement.Request) PodRequest {
	return inventoryRequest{snapshot: s, request: request}
}

type inventoryRequest struct {
	snapshot *Snapshot
	request  func(*placement.Inventory) *placement.Request
}

// RequestOn implements PodRequest.
func (r inventoryRequest) RequestOn(node, preference int) *placement.Request {
	if preference > 0 {
		return nil
	}
	return r.request(r.snapshot.nodes[node].Inventory)
}
