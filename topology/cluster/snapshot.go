package cluster

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Snapshot is many nodes and who holds what of each. It belongs to one goroutine at a
// time.
type Snapshot struct {
	nodes []snapshotNode
	// rooms are of the nodes, under the same numbers.
	rooms   []nodeRoom
	classes classIndex
	undo    undoLog
	// changes is followed by the indexes of rankings, and by roomIndex.
	changes   changeLog
	roomIndex roomIndex
	placer    placement.Placer
}

// NewSnapshot returns a snapshot of nodes that nobody uses. Of nodes that are equally
// good for a pod the first in this order is taken.
func NewSnapshot(nodes []Node) *Snapshot {
	s := &Snapshot{classes: newClassIndex(), roomIndex: roomIndex{position: noPosition}}
	for _, node := range nodes {
		s.AddNode(node)
	}
	return s
}

// AddNode adds a node that nobody uses, behind the others, and returns its number.
func (s *Snapshot) AddNode(node Node) int {
	s.nodes = append(s.nodes, snapshotNode{Node: node, state: placement.NewNodeState(node.Inventory)})
	s.rooms = append(s.rooms, nodeRoom{free: node.Host})
	s.classifyNode(len(s.nodes) - 1)
	return len(s.nodes) - 1
}

// SetNode replaces node i by one of that name, and who holds what of it, whether or not it
// fits. It is not undone by Revert and must not be called within a fork.
func (s *Snapshot) SetNode(i int, node Node, held []placement.Allocation) {
	n := &s.nodes[i]
	n.Node, n.state = node, placement.NewNodeState(node.Inventory)
	free := node.Host
	for _, a := range held {
		n.state.RecordAllocation(a)
		free = free.Minus(a.Host)
	}
	s.rooms[i].free = free
	s.classifyNode(i)
}

// Len is the number of nodes.
func (s *Snapshot) Len() int { return len(s.nodes) }

// Node is what node i is. It must not be changed.
func (s *Snapshot) Node(i int) *Node { return &s.nodes[i].Node }

// NodeState is who holds what of node i. It must not be changed.
func (s *Snapshot) NodeState(i int) *placement.NodeState { return &s.nodes[i].state }

// FreeHost is what is left of node i besides GPUs.
func (s *Snapshot) FreeHost(i int) topology.HostResources { return s.rooms[i].free }

// SetSchedulable says whether node i takes anything new. It is not undone by Revert.
func (s *Snapshot) SetSchedulable(i int, schedulable bool) {
	s.rooms[i].closed = !schedulable
	s.noteChanged(i)
}

// Schedulable reports whether node i takes anything new.
func (s *Snapshot) Schedulable(i int) bool { return !s.rooms[i].closed }

// Allocate gives a holder what was chosen on node i. It is an error, and changes
// nothing, if one of the devices or the host's resources do not fit.
func (s *Snapshot) Allocate(i int, a placement.Allocation) error {
	n, free := &s.nodes[i], s.rooms[i].free
	if !a.Host.Within(free) {
		return fmt.Errorf("node %s has %d milli-CPU and %s of memory free, not %d and %s",
			n.Name, free.CPU, free.Memory, a.Host.CPU, a.Host.Memory)
	}
	if err := n.state.Allocate(a); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	s.noteAdded(i)
	return nil
}

// RecordAllocation notes what somebody else has allocated already, whether or not it
// fits.
func (s *Snapshot) RecordAllocation(i int, a placement.Allocation) {
	s.nodes[i].state.RecordAllocation(a)
	s.noteAdded(i)
}

// noteAdded takes note of the last allocation of node i.
func (s *Snapshot) noteAdded(i int) {
	held := s.nodes[i].state.Allocations()
	at := len(held) - 1
	s.rooms[i].free = s.rooms[i].free.Minus(held[at].Host)
	s.undo.noteAllocated(i, at)
	s.classifyNode(i)
}

// ReleaseHolder takes back everything that a holder has on node i and returns it.
func (s *Snapshot) ReleaseHolder(i int, holder placement.HolderID) []placement.Allocation {
	n := &s.nodes[i]
	var released []placement.Allocation
	for at := 0; at < len(n.state.Allocations()); {
		if n.state.Allocations()[at].Holder != holder {
			at++
			continue
		}
		a := n.state.ReleaseAt(at)
		s.rooms[i].free = s.rooms[i].free.Plus(a.Host)
		s.undo.noteReleased(i, at, a)
		released = append(released, a)
	}
	if len(released) > 0 {
		s.classifyNode(i)
	}
	return released
}
