package placement

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Fleet is many nodes and who holds what of each. Nodes of one make in the same
// state form a class, and a request is decided once for each class, so that nodes
// that are alike or did not change cost nothing. A Fleet belongs to one goroutine.
//
// Complexity of Best: one placement for each class in use, plus a look-up for each
// node.
type Fleet struct {
	nodes   []fleetNode
	classes []fleetClass
	// byKey finds a class by its inventory and state.
	byKey map[string]int
	// inventories numbers the inventories, for the keys.
	inventories map[*Inventory]uint32
	question    int64
	placer      Placer
	key         []byte
}

type fleetNode struct {
	inventory *Inventory
	state     State
	class     int
}

// fleetClass holds the answer to the last question that was asked of it.
type fleetClass struct {
	question int64
	fits     bool
	rating   Rating
}

// NewFleet returns a fleet without nodes.
func NewFleet() *Fleet {
	return &Fleet{byKey: map[string]int{}, inventories: map[*Inventory]uint32{}}
}

// Len is the number of nodes.
func (f *Fleet) Len() int { return len(f.nodes) }

// Add adds a free node and returns its number.
func (f *Fleet) Add(inv *Inventory) int {
	if _, known := f.inventories[inv]; !known {
		f.inventories[inv] = uint32(len(f.inventories))
	}
	f.nodes = append(f.nodes, fleetNode{inventory: inv, state: NewState(inv)})
	f.classify(len(f.nodes) - 1)
	return len(f.nodes) - 1
}

// Inventory is what a node can hand out.
func (f *Fleet) Inventory(node int) *Inventory { return f.nodes[node].inventory }

// State is what is held of a node. It must not be changed.
func (f *Fleet) State(node int) State { return f.nodes[node].state }

// Take records grants on a node. It is an error, and changes nothing, if one of them
// does not fit.
func (f *Fleet) Take(node int, grants []Grant) error {
	n := &f.nodes[node]
	for i, grant := range grants {
		if err := n.inventory.Take(n.state, grant.Offer, grant.Size); err != nil {
			for _, undo := range grants[:i] {
				n.inventory.Release(n.state, undo.Offer, undo.Size)
			}
			return fmt.Errorf("node %d: %w", node, err)
		}
	}
	f.classify(node)
	return nil
}

// Release undoes Take.
func (f *Fleet) Release(node int, grants []Grant) {
	n := &f.nodes[node]
	for _, grant := range grants {
		n.inventory.Release(n.state, grant.Offer, grant.Size)
	}
	f.classify(node)
}

// classify finds the class of a node after its state changed.
func (f *Fleet) classify(node int) {
	n := &f.nodes[node]
	f.key = appendKey(f.key[:0], f.inventories[n.inventory], n.state)
	class, known := f.byKey[string(f.key)]
	if !known {
		class = len(f.classes)
		f.byKey[string(f.key)] = class
		f.classes = append(f.classes, fleetClass{})
	}
	n.class = class
}

// appendKey spells out an inventory's number and a state.
func appendKey(key []byte, inventory uint32, s State) []byte {
	key = binary.LittleEndian.AppendUint32(key, inventory)
	for i := range s {
		gpu := &s[i]
		whole := byte(0)
		if gpu.Whole {
			whole = 1
		}
		key = append(key, whole, byte(gpu.MIG.Media.Decoders), byte(gpu.MIG.Media.Encoders), byte(gpu.MIG.Media.JPEG), byte(gpu.MIG.Media.OFA))
		key = binary.LittleEndian.AppendUint16(key, uint16(gpu.MIG.Slices))
		key = binary.LittleEndian.AppendUint64(key, uint64(gpu.Shared))
		key = binary.LittleEndian.AppendUint16(key, uint16(gpu.Compute))
		key = binary.LittleEndian.AppendUint32(key, uint32(gpu.Sharers))
	}
	return key
}

// RequestFor translates a request for the nodes of one make: offers are numbered
// differently on each. It is called once for each class.
type RequestFor func(*Inventory) *Request

// Best decides on which node a request goes, by the policy's rating, the lowest
// number first among equals, and what it gets there. The verdict's lists are valid
// until the next call. If it fits nowhere the node is -1 and the verdict is empty:
// ask Place about single nodes for the reasons.
func (f *Fleet) Best(request RequestFor, policy Policy) (int, Verdict) {
	f.question++
	best := -1
	var rating Rating
	for i := range f.nodes {
		n := &f.nodes[i]
		class := &f.classes[n.class]
		if class.question != f.question {
			verdict := f.placer.Place(n.inventory, n.state, request(n.inventory), policy)
			*class = fleetClass{question: f.question, fits: verdict.Outcome == Fits, rating: verdict.Rating}
		}
		if class.fits && (best < 0 || class.rating.Better(rating)) {
			best, rating = i, class.rating
		}
	}
	if best < 0 {
		return -1, Verdict{Outcome: Refused}
	}
	n := &f.nodes[best]
	return best, f.placer.Place(n.inventory, n.state, request(n.inventory), policy)
}

// clone copies a fleet, sharing nothing that either changes.
func (f *Fleet) clone() *Fleet {
	copied := NewFleet()
	copied.nodes = slices.Clone(f.nodes)
	for inventory, number := range f.inventories {
		copied.inventories[inventory] = number
	}
	for i := range copied.nodes {
		copied.nodes[i].state = slices.Clone(copied.nodes[i].state)
		copied.classify(i)
	}
	return copied
}
