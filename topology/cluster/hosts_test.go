package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// cores is that many cores.
func cores(n topology.MilliCPU) topology.HostResources { return topology.HostResources{CPU: 1000 * n} }

// Pods and groups keep to what the nodes have besides GPUs, and to nodes that take
// something new.
func TestHosts(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	snapshot := func(free ...topology.MilliCPU) *Snapshot {
		s := NewSnapshot(nil)
		for _, n := range free {
			s.AddNode(Node{Inventory: inv, Host: cores(n)})
		}
		return s
	}
	group := func(s *Snapshot) *Group {
		ranking := s.Rank(s.ByInventory(gpusFor(1)), placement.FirstFit{})
		member := GroupMember{Ranking: ranking, Host: cores(1)}
		return &Group{Members: []GroupMember{member, member, member}}
	}
	s := snapshot(1, 0, 2)
	placed, outcome := s.PlaceGroup(group(s))
	if outcome != placement.Fits {
		t.Fatal(outcome)
	}
	if diff := cmp.Diff([]int{0, 2, 2}, []int{placed[0].Node, placed[1].Node, placed[2].Node}); diff != "" {
		t.Errorf("nodes of the members (-want +got):\n%s", diff)
	}
	s = snapshot(1, 0, 1)
	if _, outcome = s.PlaceGroup(group(s)); outcome != placement.Refused {
		t.Errorf("three pods for two cores: %s", outcome)
	}

	s = snapshot(1, 1, 1)
	ranking := s.Rank(s.ByInventory(gpusFor(1)), placement.FirstFit{})
	s.SetSchedulable(0, false)
	if best, found := ranking.Best(cores(1), nil); !found || best.Node != 1 {
		t.Errorf("got node %d (%t), want 1, the first that is open", best.Node, found)
	}
	if _, found := ranking.Best(cores(2), nil); found {
		t.Error("a pod of two cores found a node with one")
	}
	if !ranking.FitsOn(2) {
		t.Error("the devices of node 2 would serve the pod")
	}
}

// Pods without GPUs go where they are in nobody's way.
func TestHostsOnly(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Inventory: inv, Host: cores(4)}, {Inventory: inv, Host: cores(4)}, {Host: cores(2)}})
	busy := placement.Place(inv, s.NodeState(1).GPUs(), gpusFor(3)(inv), placement.FirstFit{})
	if err := s.Allocate(1, placement.Allocation{Holder: "busy", Devices: busy.Devices}); err != nil {
		t.Fatal(err)
	}
	// First the node without GPUs, then the one with a single free GPU.
	if diff := cmp.Diff([]int{2, 2, 1}, s.PlaceHostsOnly(cores(1), 3)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if nodes := s.PlaceHostsOnly(cores(5), 1); nodes != nil {
		t.Errorf("five cores on node %v", nodes)
	}
}
