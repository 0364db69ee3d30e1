package cluster

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// groupOf asks for pods in one snapshot.
func groupOf(s *Snapshot, requests ...requestFor) *Group {
	group := &Group{}
	for _, request := range requests {
		group.Members = append(group.Members, GroupMember{Ranking: s.Rank(s.ByInventory(request), placement.KeepPlaceable{})})
	}
	return group
}

// The member that could go anywhere must leave room for the one that cannot: by
// rating alone the first would take the fast machine.
func TestGroupTakesBackAnEarlyChoice(t *testing.T) {
	fast, slow := inventoryOf(t, "azure-nc96ads-a100"), inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(nil)
	fastNode, slowNode := s.AddNode(Node{Inventory: fast}), s.AddNode(Node{Inventory: slow})
	members, outcome := s.PlaceGroup(groupOf(s, gpusFor(4), onlyOn(fast, gpusFor(4))))
	if outcome != placement.Fits || members[0].Node != slowNode || members[1].Node != fastNode {
		t.Fatalf("%s: %+v; want the members on nodes %d and %d", outcome, members, slowNode, fastNode)
	}
	if diff := cmp.Diff(placement.NewGPUStates(fast), s.NodeState(fastNode).GPUs()); diff != "" {
		t.Errorf("nothing is taken yet (-want +got):\n%s", diff)
	}
	if _, outcome = s.PlaceGroup(groupOf(s, gpusFor(4), gpusFor(4), gpusFor(1))); outcome != placement.Refused {
		t.Errorf("nine GPUs on eight: %s", outcome)
	}
}

// Trays of two NVLink domains: a group stays in one, the smallest that has room.
func TestGroupStaysInOneDomain(t *testing.T) {
	tray := inventoryOf(t, "gb200-nvl72-tray")
	s := NewSnapshot(nil)
	for _, domain := range []int64{7, 7, 7, 8, 8, NoDomain} {
		s.AddNode(Node{Inventory: tray, Domain: domain})
	}
	group := groupOf(s, gpusFor(4), gpusFor(4))
	group.Levels = []GroupLevel{s.NVLinkLevel(Required)}
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits {
		t.Fatal(outcome)
	}
	nodes := []int{members[0].Node, members[1].Node}
	slices.Sort(nodes)
	if diff := cmp.Diff([]int{3, 4}, nodes); diff != "" {
		t.Errorf("domain 7 stays whole (-want +got):\n%s", diff)
	}

	group = groupOf(s, slices.Repeat([]requestFor{gpusFor(4)}, 4)...)
	group.Levels = []GroupLevel{s.NVLinkLevel(Required)}
	if _, outcome = s.PlaceGroup(group); outcome != placement.Refused {
		t.Errorf("no domain has four trays, and yet: %s", outcome)
	}
	group.Levels = []GroupLevel{s.NVLinkLevel(Preferred)}
	if members, outcome = s.PlaceGroup(group); outcome != placement.Fits || len(members) != 4 {
		t.Errorf("preferred: %s with %d members, want four", outcome, len(members))
	}
}

// A group fits exactly when some assignment of members to nodes does: compared with
// trying all of them.
func TestGroupEqualsBruteForce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	inventories := []*placement.Inventory{inventoryOf(t, "azure-nc96ads-a100"), inventoryOf(t, "4xA30-pcie")}
	fits := 0
	for n := range 400 {
		s := NewSnapshot(nil)
		for range 3 {
			node := s.AddNode(Node{Inventory: inventories[random.Intn(2)]})
			inv := s.Node(node).Inventory
			verdict := placement.Place(inv, s.NodeState(node).GPUs(), gpusFor(1+random.Intn(2))(inv), placement.KeepPlaceable{})
			if err := s.Allocate(node, placement.Allocation{Holder: "before", Devices: verdict.Devices}); err != nil {
				t.Fatal(err)
			}
		}
		var members []requestFor
		for range 2 + random.Intn(2) {
			request := gpusFor(1 + random.Intn(3))
			if random.Intn(3) == 0 {
				request = onlyOn(inventories[random.Intn(2)], request)
			}
			members = append(members, request)
		}
		want := assignable(t, s, members)
		placed, outcome := s.PlaceGroup(groupOf(s, members...))
		if want != (outcome == placement.Fits) {
			t.Fatalf("group %d: %s, but some assignment fits: %t", n, outcome, want)
		}
		if want {
			fits++
		}
		for i, member := range placed {
			held := placement.Allocation{Holder: placement.HolderID(strconv.Itoa(i)), Devices: member.Devices}
			if err := s.Allocate(member.Node, held); err != nil {
				t.Fatal(err)
			}
		}
	}
	if fits <= 50 {
		t.Errorf("only %d of 400 groups fit: the test says little", fits)
	}
}

// assignable tries every assignment. Which GPUs of a node a member gets does not
// matter to whole GPUs without constraints.
func assignable(t *testing.T, s *Snapshot, members []requestFor) bool {
	if len(members) == 0 {
		return true
	}
	for node := range s.Len() {
		inv := s.Node(node).Inventory
		verdict := placement.Place(inv, s.NodeState(node).GPUs(), members[0](inv), placement.FirstFit{})
		if verdict.Outcome != placement.Fits {
			continue
		}
		s.Fork()
		if err := s.Allocate(node, placement.Allocation{Devices: slices.Clone(verdict.Devices)}); err != nil {
			t.Fatal(err)
		}
		found := assignable(t, s, members[1:])
		s.Revert()
		if found {
			return true
		}
	}
	return false
}

// onlyGPU asks for one GPU of a node.
func onlyGPU(gpu int) requestFor {
	return func(inv *placement.Inventory) *placement.Request {
		accepts := inv.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.Whole && d.GPU == gpu })
		return &placement.Request{Parts: []placement.Part{{Count: 1, Accepts: accepts}}}
	}
}

// The devices of one member are chosen anew if another can only have those: whichever GPU
// the undemanding one would take by itself, both fit.
func TestGroupChoosesDevicesAnew(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	for gpu := range inv.Node.GPUs {
		s := NewSnapshot([]Node{{Inventory: inv}})
		members, outcome := s.PlaceGroup(groupOf(s, gpusFor(1), onlyGPU(gpu)))
		if outcome != placement.Fits {
			t.Fatalf("with GPU %d wanted: %s", gpu, outcome)
		}
		for i, member := range members {
			held := placement.Allocation{Holder: placement.HolderID(strconv.Itoa(i)), Devices: member.Devices}
			if err := s.Allocate(member.Node, held); err != nil {
				t.Errorf("with GPU %d wanted, member %d: %v", gpu, i, err)
			}
		}
	}
}

// Of three kinds of members each may use two of three kinds of nodes, and only one way
// round serves all. With many more kinds of members the table of the exact search would be
// too large, and members are moved instead.
func TestGroupOfManyKinds(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	for _, kinds := range []int{3, 24} {
		s := NewSnapshot(nil)
		for range kinds {
			s.AddNode(Node{Inventory: inv})
		}
		group := &Group{}
		for kind := range kinds {
			nodes := &NodeSet{}
			nodes.Add(kind)
			if kind > 0 {
				nodes.Add(kind - 1)
			}
			ranking := s.Rank(s.ByInventory(gpusFor(4)), placement.KeepPlaceable{})
			group.Members = append(group.Members, GroupMember{Ranking: ranking, Nodes: nodes})
		}
		slices.Reverse(group.Members)
		members, outcome := s.PlaceGroup(group)
		if outcome != placement.Fits {
			t.Fatalf("%d kinds: %s", kinds, outcome)
		}
		for i, member := range members {
			if want := kinds - 1 - i; member.Node != want {
				t.Errorf("%d kinds: member %d is on node %d, want %d", kinds, i, member.Node, want)
			}
		}
	}
}

// Where hosts of one class have different room, the group fits as long as some choice of
// nodes serves all.
func TestGroupMindsHostsOfOneClass(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(nil)
	for _, n := range []int{6, 2, 2} {
		s.AddNode(Node{Inventory: inv, Host: cores(topology.MilliCPU(n))})
	}
	group := groupOf(s, gpusFor(1), gpusFor(1), gpusFor(1), gpusFor(1))
	for i, n := range []int{2, 2, 3, 3} {
		group.Members[i].Host = cores(topology.MilliCPU(n))
	}
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits {
		t.Fatal(outcome)
	}
	if members[2].Node != 0 || members[3].Node != 0 {
		t.Errorf("the large members are on nodes %d and %d, want 0", members[2].Node, members[3].Node)
	}
}

// A member without GPUs goes where it is in nobody's way.
func TestGroupWithAPodWithoutGPUs(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Inventory: inv, Host: cores(8)}, {Host: cores(2)}})
	group := groupOf(s, gpusFor(4))
	group.Members[0].Host = cores(7)
	group.Members = append(group.Members, GroupMember{Host: cores(2)})
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits || members[0].Node != 0 || members[1].Node != 1 {
		t.Errorf("%s: %+v", outcome, members)
	}
}

// Members of which no two may be on one node, and nodes of whose hosts the caller knows more
// than the snapshot.
func TestGroupSpreadsOverNodes(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Inventory: inv}, {Inventory: inv}, {Inventory: inv}})
	ranking := s.Rank(s.ByInventory(gpusFor(1)), placement.KeepPlaceable{})
	member := GroupMember{Ranking: ranking, Host: cores(2), OnePerNode: true}
	group := &Group{Members: []GroupMember{member, member}}
	group.FreeHost = func(node int) topology.HostResources { return cores(topology.MilliCPU(1 + node)) }
	members, outcome := s.PlaceGroup(group)
	if outcome != placement.Fits || members[0].Node != 1 || members[1].Node != 2 {
		t.Errorf("%s: %+v, want nodes 1 and 2", outcome, members)
	}
	group.Members = append(group.Members, member)
	if _, outcome = s.PlaceGroup(group); outcome != placement.Refused {
		t.Errorf("three on two nodes: %s", outcome)
	}
}
