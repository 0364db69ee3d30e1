package cluster

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	group.SameDomain = Required
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
	group.SameDomain = Required
	if _, outcome = s.PlaceGroup(group); outcome != placement.Refused {
		t.Errorf("no domain has four trays, and yet: %s", outcome)
	}
	group.SameDomain = Preferred
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
