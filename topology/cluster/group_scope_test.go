package cluster

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// If one domain does not suffice and is only preferred, the group is in as few as will do,
// and leaves the largest whole that it does not need.
func TestGroupTakesFewDomains(t *testing.T) {
	tray := inventoryOf(t, "gb200-nvl72-tray")
	s := NewSnapshot(nil)
	for _, domain := range []int64{1, 2, 2, 3, 3, 3, 4, 4} {
		s.AddNode(Node{Inventory: tray, Domain: domain})
	}
	group := groupOf(s, slices.Repeat([]requestFor{gpusFor(4)}, 4)...)
	shared := s.Rank(s.ByInventory(gpusFor(4)), placement.KeepPlaceable{})
	for i := range group.Members {
		group.Members[i].Ranking = shared
	}
	group.Levels = []GroupLevel{s.NVLinkLevel(Preferred)}
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits {
		t.Fatal(outcome)
	}
	var nodes []int
	for _, member := range members {
		nodes = append(nodes, member.Node)
	}
	slices.Sort(nodes)
	if diff := cmp.Diff([]int{0, 3, 4, 5}, nodes); diff != "" {
		t.Errorf("nodes: domain 3 and the smallest beside it (-want +got):\n%s", diff)
	}
}

// Levels are nested: the rack is preferred within the zone that is required.
func TestGroupNestsLevels(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(nil)
	for range 8 {
		s.AddNode(Node{Inventory: inv})
	}
	group := groupOf(s, gpusFor(4), gpusFor(4))
	group.Levels = []GroupLevel{
		{Name: "zone", Mode: Required, DomainOf: func(node int) int64 { return int64(node / 4) }},
		{Name: "rack", Mode: Required, DomainOf: func(node int) int64 { return int64(node / 2) }},
	}
	for _, node := range []int{0, 3, 4} {
		s.SetSchedulable(node, false)
	}
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits || members[0].Node != 6 || members[1].Node != 7 {
		t.Fatalf("%s: %+v, want nodes 6 and 7", outcome, members)
	}
	s.SetSchedulable(6, false)
	verdict := s.SolveGroup(group)
	want := GroupShortfall{Fit: 1, LimitedBy: "rack", Shapes: []ShapeShortfall{
		{Member: 0, Members: 1, Alone: 1}, {Member: 1, Members: 1, Alone: 1},
	}}
	if verdict.Outcome != placement.Refused {
		t.Fatal(verdict.Outcome)
	}
	if diff := cmp.Diff(want, verdict.Shortfall); diff != "" {
		t.Errorf("shortfall (-want +got):\n%s", diff)
	}
}
