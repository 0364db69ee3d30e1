package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// onlyOn restricts a request to nodes of one make.
func onlyOn(inv *Inventory, request RequestFor) RequestFor {
	return func(other *Inventory) *Request {
		if other == inv {
			return request(other)
		}
		return &Request{Parts: []Part{{Count: 1, Accepts: NewDeviceSet(len(other.Devices))}}}
	}
}

// The member that could go anywhere must leave room for the one that cannot: by
// rating alone the first would take the fast machine.
func TestGroupTakesBackAnEarlyChoice(t *testing.T) {
	fast, slow := inventoryOf(t, "azure-nc96ads-a100"), inventoryOf(t, "4xA30-pcie")
	fleet := NewFleet()
	fastNode, slowNode := fleet.Add(fast), fleet.Add(slow)
	members, outcome := fleet.PlaceGroup(&Group{Members: []RequestFor{gpusFor(4), onlyOn(fast, gpusFor(4))}}, KeepPlaceable{})
	require.Equal(t, Fits, outcome)
	require.Equal(t, slowNode, members[0].Node)
	require.Equal(t, fastNode, members[1].Node)
	require.Equal(t, NewGPUStates(fast), fleet.State(fastNode), "nothing is taken yet")

	_, outcome = fleet.PlaceGroup(&Group{Members: []RequestFor{gpusFor(4), gpusFor(4), gpusFor(1)}}, KeepPlaceable{})
	require.Equal(t, Refused, outcome)
}

// Trays of two NVLink domains: a group stays in one, the smallest that has room.
func TestGroupStaysInOneDomain(t *testing.T) {
	tray := inventoryOf(t, "gb200-nvl72-tray")
	fleet := NewFleet()
	var domain []int64
	for _, d := range []int64{7, 7, 7, 8, 8, NoValue} {
		fleet.Add(tray)
		domain = append(domain, d)
	}
	group := &Group{Members: []RequestFor{gpusFor(4), gpusFor(4)}, Domain: domain, SameDomain: Required}
	members, outcome := fleet.PlaceGroup(group, KeepPlaceable{})
	require.Equal(t, Fits, outcome)
	require.ElementsMatch(t, []int{3, 4}, []int{members[0].Node, members[1].Node}, "domain 7 stays whole")

	group.Members = slices.Repeat([]RequestFor{gpusFor(4)}, 4)
	_, outcome = fleet.PlaceGroup(group, KeepPlaceable{})
	require.Equal(t, Refused, outcome, "no domain has four trays")
	group.SameDomain = Preferred
	members, outcome = fleet.PlaceGroup(group, KeepPlaceable{})
	require.Equal(t, Fits, outcome)
	require.Len(t, members, 4)
}

// A group fits exactly when some assignment of members to nodes does: compared with
// trying all of them.
func TestGroupEqualsBruteForce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	inventories := []*Inventory{inventoryOf(t, "azure-nc96ads-a100"), inventoryOf(t, "4xA30-pcie")}
	fits := 0
	for range 400 {
		fleet := NewFleet()
		for range 3 {
			node := fleet.Add(inventories[random.Intn(2)])
			inv := fleet.Inventory(node)
			for _, grant := range Place(inv, fleet.State(node), wholeGPUs(inv, 1+random.Intn(2)), KeepPlaceable{}).Devices {
				require.NoError(t, fleet.Take(node, []DeviceAllocation{grant}))
			}
		}
		var members []RequestFor
		for range 2 + random.Intn(2) {
			request := gpusFor(1 + random.Intn(3))
			if random.Intn(3) == 0 {
				request = onlyOn(inventories[random.Intn(2)], request)
			}
			members = append(members, request)
		}
		want := assignable(fleet, members)
		placed, outcome := fleet.PlaceGroup(&Group{Members: members}, KeepPlaceable{})
		require.Equal(t, want, outcome == Fits)
		if want {
			fits++
			for _, member := range placed {
				require.NoError(t, fleet.Take(member.Node, member.Grants))
			}
		}
	}
	require.Greater(t, fits, 50)
}

// assignable tries every assignment. Which GPUs of a node a member gets does not
// matter to whole GPUs without constraints.
func assignable(fleet *Fleet, members []RequestFor) bool {
	if len(members) == 0 {
		return true
	}
	for node := range fleet.Len() {
		inv := fleet.Inventory(node)
		verdict := Place(inv, fleet.State(node), members[0](inv), FirstFit{})
		if verdict.Outcome != Fits {
			continue
		}
		grants := slices.Clone(verdict.Devices)
		if err := fleet.Take(node, grants); err != nil {
			return false
		}
		found := assignable(fleet, members[1:])
		fleet.Release(node, grants)
		if found {
			return true
		}
	}
	return false
}
