package cluster

import (
	"math/rand"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// stateOf spells out everything that a snapshot knows of its nodes.
func stateOf(s *Snapshot) []any {
	var all []any
	for i := range s.Len() {
		state := s.NodeState(i)
		gpus := append(placement.GPUStates{}, state.GPUs()...)
		allocations := append([]placement.Allocation{}, state.Allocations()...)
		all = append(all, gpus, allocations, s.FreeHost(i))
	}
	return all
}

// Whatever is tried within forks, reverting brings the snapshot back to the allocation,
// holders and their order included, and committing keeps it.
func TestRevertTakesEverythingBack(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(nil)
	for range 4 {
		s.AddNode(Node{Inventory: inv, Host: cores(64)})
	}
	change := func(n int) {
		node := random.Intn(s.Len())
		a := placement.Allocation{
			Holder: placement.HolderID(strconv.Itoa(random.Intn(9))), Priority: int64(n), Host: cores(1),
			Devices: []placement.DeviceAllocation{{Device: random.Intn(len(inv.Devices))}},
		}
		switch random.Intn(4) {
		case 0:
			s.RecordAllocation(node, a) // overlaps now and then
		case 1:
			s.ReleaseHolder(node, a.Holder)
		default:
			_ = s.Allocate(node, a) // refused now and then
		}
	}
	for round := range 200 {
		var before [][]any
		depth := 1 + random.Intn(3)
		for range depth {
			before = append(before, stateOf(s))
			s.Fork()
			for n := range random.Intn(20) {
				change(n)
			}
		}
		for level := depth - 1; level >= 0; level-- {
			if level > 0 && random.Intn(3) == 0 {
				s.Commit() // belongs to the fork below from now on
				continue
			}
			s.Revert()
			if diff := cmp.Diff(before[level], stateOf(s)); diff != "" {
				t.Fatalf("round %d, fork %d (-before +after):\n%s", round, level, diff)
			}
		}
		s.Fork()
		change(round)
		after := stateOf(s)
		s.Commit()
		if diff := cmp.Diff(after, stateOf(s)); diff != "" {
			t.Fatalf("round %d: committing changed something (-before +after):\n%s", round, diff)
		}
		if len(s.undo.changes) != 0 {
			t.Fatalf("round %d: %d changes are kept although no fork is open", round, len(s.undo.changes))
		}
	}
}
