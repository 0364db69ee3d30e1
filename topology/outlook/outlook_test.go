package outlook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/outlook"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// inventory is four A30 with 24 GiB each.
func inventory(t *testing.T) *placement.Inventory {
	t.Helper()
	c := catalogue.Default()
	machine, err := c.Machine("4xA30-pcie")
	require.NoError(t, err)
	tables := make([]*mig.Table, len(machine.Node.GPUs))
	for i, gpu := range machine.Node.GPUs {
		tables[i], err = c.MIG(gpu.Model.MIG)
		require.NoError(t, err)
	}
	inv, err := placement.NewInventory(machine.Node, placement.NodeDevices(machine.Node, tables), placement.PriorDemand())
	require.NoError(t, err)
	return inv
}

// offer finds the first offer of a form on a GPU.
func offer(inv *placement.Inventory, form placement.Form, gpu int) int {
	for i := range inv.Devices {
		if inv.Devices[i].Form == form && inv.Devices[i].GPU == gpu {
			return i
		}
	}
	return -1
}

func share(inv *placement.Inventory, gpu int, thousandths int64) []placement.DeviceAllocation {
	at := offer(inv, placement.Share, gpu)
	bytes := inv.Devices[at].Memory * topology.Bytes(thousandths) / 1000
	return []placement.DeviceAllocation{{Device: at, ShareSize: placement.ShareSize{Bytes: bytes}}}
}

// Pods come that take 650 or 350 thousandths. Beside a share of 650 one of 350 belongs,
// though a GPU that has more left would do, too.
func TestSharesGoWhereTheyLeaveNoWaste(t *testing.T) {
	inv := inventory(t)
	o := outlook.New()
	require.NoError(t, o.SetNodes([]outlook.Node{{Name: "matching", Inventory: inv}, {Name: "wasting", Inventory: inv}}))
	matching, wasting := placement.NewGPUStates(inv), placement.NewGPUStates(inv)
	for gpu := range inv.Node.GPUs {
		inv.HoldDevice(matching, offer(inv, placement.Share, gpu), share(inv, gpu, 650)[0].ShareSize)
		inv.HoldDevice(wasting, offer(inv, placement.Share, gpu), share(inv, gpu, 350)[0].ShareSize)
	}
	small := share(inv, 0, 350)
	loss := func(node string, state placement.GPUStates) int64 { return o.Loss(node, 64_000, state, 1000, small) }

	require.Zero(t, loss("matching", matching), "nothing is expected before pods have come")
	for range 50 {
		o.See(1000, inv, share(inv, 0, 650))
		o.See(1000, inv, small)
	}
	require.Less(t, loss("matching", matching), loss("wasting", wasting))
	require.Zero(t, o.Loss("unknown", 64_000, matching, 1000, small))
}

// Links and MIG are placement's to judge.
func TestHasNoSayInLinksAndMIG(t *testing.T) {
	inv := inventory(t)
	o := outlook.New()
	require.NoError(t, o.SetNodes([]outlook.Node{{Name: "n", Inventory: inv}}))
	pair := []placement.DeviceAllocation{{Device: offer(inv, placement.Whole, 0)}, {Device: offer(inv, placement.Whole, 1)}}
	slice := []placement.DeviceAllocation{{Device: offer(inv, placement.MIG, 0)}}
	for range 100 {
		o.See(1000, inv, pair)
		o.See(1000, inv, slice)
	}
	free := placement.NewGPUStates(inv)
	require.Zero(t, o.Loss("n", 64_000, free, 1000, pair))
	require.Zero(t, o.Loss("n", 64_000, free, 1000, slice))
	require.NotZero(t, o.Loss("n", 64_000, free, 1000, pair[:1]), "but they are pods to come")
}

// New nodes do not make it forget.
func TestRemembersWhenNodesChange(t *testing.T) {
	inv := inventory(t)
	o := outlook.New()
	require.NoError(t, o.SetNodes([]outlook.Node{{Name: "n", Inventory: inv}}))
	for range 100 {
		o.See(1000, inv, share(inv, 0, 500))
	}
	before := o.Loss("n", 64_000, placement.NewGPUStates(inv), 1000, share(inv, 0, 500))
	require.NoError(t, o.SetNodes([]outlook.Node{{Name: "m", Inventory: inv}, {Name: "n", Inventory: inv}}))
	require.Equal(t, before, o.Loss("n", 64_000, placement.NewGPUStates(inv), 1000, share(inv, 0, 500)))
}
