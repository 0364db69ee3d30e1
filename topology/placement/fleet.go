package placement

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Fleet is many nodes and who holds what of each. Nodes of one make in the same
// state form a class: whatever is asked, they have the same answer. A Fleet, with
// its Questions, belongs to one goroutine.
type Fleet struct {
	nodes []fleetNode
	// classes counts the classes seen; byKey finds one by its inventory and state.
	classes int
	byKey   map[string]int
	// inventories numbers the inventories, for the keys.
	inventories map[*Inventory]uint32
	// generation changes when classes are numbered anew.
	generation int
	placer     Placer
	key        []byte
}

type fleetNode struct {
	inventory *Inventory
	state     GPUStates
	class     int
}

// spareClasses bounds how many classes are remembered that no node is in: as many
// as there are nodes, and this many more.
const spareClasses = 4096

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
	f.nodes = append(f.nodes, fleetNode{inventory: inv, state: NewGPUStates(inv)})
	f.classify(len(f.nodes) - 1)
	return len(f.nodes) - 1
}

// Inventory is what a node can hand out.
func (f *Fleet) Inventory(node int) *Inventory { return f.nodes[node].inventory }

// State is what is held of a node. It must not be changed.
func (f *Fleet) State(node int) GPUStates { return f.nodes[node].state }

// Take records grants on a node. It is an error, and changes nothing, if one of them
// does not fit.
func (f *Fleet) Take(node int, grants []DeviceAllocation) error {
	n := &f.nodes[node]
	for i, grant := range grants {
		if err := n.inventory.TakeDevice(n.state, grant.Device, grant.ShareSize); err != nil {
			for _, undo := range grants[:i] {
				n.inventory.ReleaseDevice(n.state, undo.Device, undo.ShareSize)
			}
			return fmt.Errorf("node %d: %w", node, err)
		}
	}
	f.classify(node)
	return nil
}

// Release undoes Take.
func (f *Fleet) Release(node int, grants []DeviceAllocation) {
	n := &f.nodes[node]
	for _, grant := range grants {
		n.inventory.ReleaseDevice(n.state, grant.Device, grant.ShareSize)
	}
	f.classify(node)
}

// classify finds the class of a node after its state changed.
func (f *Fleet) classify(node int) {
	n := &f.nodes[node]
	f.key = appendKey(f.key[:0], f.inventories[n.inventory], n.state)
	class, known := f.byKey[string(f.key)]
	if !known {
		if f.classes > 2*len(f.nodes)+spareClasses {
			f.renumber()
			f.classify(node)
			return
		}
		class = f.classes
		f.classes++
		f.byKey[string(f.key)] = class
	}
	n.class = class
}

// renumber forgets the classes that no node is in.
func (f *Fleet) renumber() {
	clear(f.byKey)
	f.classes = 0
	f.generation++
	for node := range f.nodes {
		f.classify(node)
	}
}

// appendKey spells out an inventory's number and a state.
func appendKey(key []byte, inventory uint32, s GPUStates) []byte {
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

// RequestFor translates a request for the nodes of one make: devices are numbered
// differently on each.
type RequestFor func(*Inventory) *Request

// Question is a request to a fleet under a policy. It remembers the answer of every
// class, so that asking again costs one placement for each class that is new since,
// and a look-up for each node: nodes that are alike or did not change cost nothing.
type Question struct {
	fleet      *Fleet
	request    RequestFor
	policy     Policy
	generation int
	// answers is indexed by class.
	answers []answer
}

type answer struct {
	known, fits bool
	rating      Rating
}

// Ask prepares a question.
func (f *Fleet) Ask(request RequestFor, policy Policy) *Question {
	return &Question{fleet: f, request: request, policy: policy, generation: f.generation}
}

// Best decides on which node the request goes, by the policy's rating, the lowest
// number first among equals, and what it gets there. The verdict's lists are valid
// until the fleet is used again. If it fits nowhere the node is -1 and the verdict is
// empty: ask Place about single nodes for the reasons.
func (q *Question) Best() (int, Verdict) { return q.BestWhere(nil) }

// BestWhere is Best among the nodes that eligible accepts, for example those with
// enough CPU left; nil accepts all.
func (q *Question) BestWhere(eligible func(node int) bool) (int, Verdict) {
	f := q.fleet
	q.grow()
	best := -1
	var rating Rating
	for i := range f.nodes {
		if eligible != nil && !eligible(i) {
			continue
		}
		if a := q.about(i); a.fits && (best < 0 || a.rating.Better(rating)) {
			best, rating = i, a.rating
		}
	}
	if best < 0 {
		return -1, Verdict{Outcome: Refused}
	}
	n := &f.nodes[best]
	return best, f.placer.Place(n.inventory, n.state, q.request(n.inventory), q.policy)
}

// BestBy is BestWhere with a say for what is known beyond single nodes: among nodes that
// give the job the same bandwidth, the one where loss is least wins, and only then the
// policy's rating decides. The verdict that loss sees is valid until it returns.
func (q *Question) BestBy(eligible func(node int) bool, loss func(node int, v *Verdict) int64) (int, Verdict) {
	f := q.fleet
	q.grow()
	best, least := -1, int64(0)
	var rating Rating
	for i := range f.nodes {
		if !eligible(i) {
			continue
		}
		a := q.about(i)
		if !a.fits || best >= 0 && a.rating.Bandwidth < rating.Bandwidth {
			continue
		}
		n := &f.nodes[i]
		verdict := f.placer.Place(n.inventory, n.state, q.request(n.inventory), q.policy)
		lost := loss(i, &verdict)
		if best < 0 || a.rating.Bandwidth > rating.Bandwidth || lost < least || lost == least && a.rating.Better(rating) {
			best, least, rating = i, lost, a.rating
		}
	}
	if best < 0 {
		return -1, Verdict{Outcome: Refused}
	}
	n := &f.nodes[best]
	return best, f.placer.Place(n.inventory, n.state, q.request(n.inventory), q.policy)
}

// Fits reports whether a node could serve the request now.
func (q *Question) Fits(node int) bool {
	q.grow()
	return q.about(node).fits
}

// grow makes room for the answers of all classes, and forgets those of classes that
// were numbered anew.
func (q *Question) grow() {
	f := q.fleet
	if q.generation != f.generation {
		q.generation = f.generation
		clear(q.answers)
	}
	if missing := f.classes - len(q.answers); missing > 0 {
		q.answers = append(q.answers, make([]answer, missing)...)
	}
}

// about is the answer of a node's class.
func (q *Question) about(node int) *answer {
	n := &q.fleet.nodes[node]
	a := &q.answers[n.class]
	if !a.known {
		verdict := q.fleet.placer.Place(n.inventory, n.state, q.request(n.inventory), q.policy)
		*a = answer{known: true, fits: verdict.Outcome == Fits, rating: verdict.Rating}
	}
	return a
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
