package cluster

import "github.com/ashlar-dev/ashlar/topology/placement"

// undoLog is what changed since the first open fork, so that it can be taken back. It
// is empty while no fork is open.
type undoLog struct {
	changes []stateChange
	// marks holds, for each open fork, the length of changes when it was made.
	marks []int
}

// stateChange is one allocation that came or went.
type stateChange struct {
	node, at int
	released bool
	// allocation is what was released.
	allocation placement.Allocation
}

func (u *undoLog) noteAllocated(node, at int) {
	if len(u.marks) > 0 {
		u.changes = append(u.changes, stateChange{node: node, at: at})
	}
}

func (u *undoLog) noteReleased(node, at int, a placement.Allocation) {
	if len(u.marks) > 0 {
		u.changes = append(u.changes, stateChange{node: node, at: at, released: true, allocation: a})
	}
}

// Fork begins to note what changes, until Revert or Commit. Forks nest.
func (s *Snapshot) Fork() { s.undo.marks = append(s.undo.marks, len(s.undo.changes)) }

// Revert takes back what changed since the last Fork and ends it.
func (s *Snapshot) Revert() {
	last := len(s.undo.marks) - 1
	s.revertTo(s.undo.marks[last])
	s.undo.marks = s.undo.marks[:last]
}

// Commit keeps what changed since the last Fork and ends it. Within another fork it
// can still be reverted.
func (s *Snapshot) Commit() {
	s.undo.marks = s.undo.marks[:len(s.undo.marks)-1]
	if len(s.undo.marks) == 0 {
		clear(s.undo.changes)
		s.undo.changes = s.undo.changes[:0]
	}
}

// revertTo takes changes back, the last one first, until so many are left.
func (s *Snapshot) revertTo(mark int) {
	for len(s.undo.changes) > mark {
		last := len(s.undo.changes) - 1
		change := s.undo.changes[last]
		s.undo.changes[last] = stateChange{}
		s.undo.changes = s.undo.changes[:last]
		n, room := &s.nodes[change.node], &s.rooms[change.node]
		if change.released {
			n.state.RestoreAt(change.at, change.allocation)
			room.free = room.free.Minus(change.allocation.Host)
		} else {
			room.free = room.free.Plus(n.state.ReleaseAt(change.at).Host)
		}
		s.classifyNode(change.node)
	}
}
