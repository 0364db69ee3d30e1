package placement_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// slots is how many members a node has room for.
type slots []int

func (s slots) Fits(_, node int) bool { return s[node] > 0 }
func (s slots) Take(_, node int)      { s[node]-- }
func (s slots) Release(_, node int)   { s[node]++ }

// A group keeps to what the nodes have besides GPUs, and a question to the nodes that
// are eligible.
func TestHosts(t *testing.T) {
	machine, err := catalogue.Default().Machine("4xA30-pcie")
	require.NoError(t, err)
	inv, err := placement.NewInventory(machine.Node, placement.NodeDevices(machine.Node, make([]*mig.Table, 4)), placement.PriorDemand())
	require.NoError(t, err)
	fleet := placement.NewFleet()
	for range 3 {
		fleet.Add(inv)
	}
	whole := placement.DeviceSelector{Forms: []placement.Form{placement.Whole}}
	one := func(inv *placement.Inventory) *placement.Request {
		return &placement.Request{Parts: []placement.Part{{Count: 1, Accepts: whole.AcceptedDevices(inv)}}}
	}
	members := []placement.RequestFor{one, one, one}
	placed, outcome := fleet.PlaceGroup(&placement.Group{Members: members, Hosts: slots{1, 0, 2}}, placement.FirstFit{})
	require.Equal(t, placement.Fits, outcome)
	require.Equal(t, []int{0, 2, 2}, []int{placed[0].Node, placed[1].Node, placed[2].Node})
	_, outcome = fleet.PlaceGroup(&placement.Group{Members: members, Hosts: slots{1, 0, 1}}, placement.FirstFit{})
	require.Equal(t, placement.Refused, outcome)

	question := fleet.Ask(one, placement.FirstFit{})
	node, _ := question.BestWhere(func(node int) bool { return node > 0 })
	require.Equal(t, 1, node)
	node, _ = question.BestWhere(func(int) bool { return false })
	require.Equal(t, -1, node)
	require.True(t, question.Fits(2))
}
