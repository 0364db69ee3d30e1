package forecast_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/forecast"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// inventoryOf is what a machine of the catalogue hands out.
func inventoryOf(t *testing.T, name string) *placement.Inventory {
	t.Helper()
	c := catalogue.Default()
	machine, err := c.Machine(name)
	if err != nil {
		t.Fatal(err)
	}
	return newInventory(t, machine.Node)
}

func newInventory(t *testing.T, node *topology.Node) *placement.Inventory {
	t.Helper()
	tables := make([]*mig.Table, len(node.GPUs))
	for i, gpu := range node.GPUs {
		if gpu.Model.MIG == "" {
			continue
		}
		var err error
		if tables[i], err = catalogue.Default().MIG(gpu.Model.MIG); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := placement.NewInventory(node, placement.NodeDevices(node, tables), placement.PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// fourA30 has 24 GiB each.
const fourA30 = "4xA30-pcie"

func forecastOf(t *testing.T, nodes ...forecast.Node) *forecast.DemandForecast {
	t.Helper()
	f := forecast.NewDemandForecast()
	if err := f.SetNodes(nodes); err != nil {
		t.Fatal(err)
	}
	return f
}

// device finds the first device of a form on a GPU.
func device(inv *placement.Inventory, form placement.Form, gpu int) int {
	for i := range inv.Devices {
		if inv.Devices[i].Form == form && inv.Devices[i].GPU == gpu {
			return i
		}
	}
	return -1
}

func share(inv *placement.Inventory, gpu int, thousandths int64) []placement.DeviceAllocation {
	at := device(inv, placement.Share, gpu)
	bytes := inv.Devices[at].Memory * topology.Bytes(thousandths) / 1000
	return []placement.DeviceAllocation{{Device: at, ShareSize: placement.ShareSize{Bytes: bytes}}}
}

// whole is the first GPUs.
func whole(inv *placement.Inventory, gpus int) []placement.DeviceAllocation {
	var all []placement.DeviceAllocation
	for gpu := range gpus {
		all = append(all, placement.DeviceAllocation{Device: device(inv, placement.Whole, gpu)})
	}
	return all
}

// Pods come that take 650 or 350 thousandths. Beside a share of 650 one of 350 belongs,
// though a GPU that has more left would do, too.
func TestSharesGoWhereTheyLeaveNoWaste(t *testing.T) {
	inv := inventoryOf(t, fourA30)
	f := forecastOf(t, forecast.Node{Name: "matching", Inventory: inv}, forecast.Node{Name: "wasting", Inventory: inv})
	matching, wasting := placement.NewGPUStates(inv), placement.NewGPUStates(inv)
	for gpu := range inv.Node.GPUs {
		inv.HoldDevice(matching, device(inv, placement.Share, gpu), share(inv, gpu, 650)[0].ShareSize)
		inv.HoldDevice(wasting, device(inv, placement.Share, gpu), share(inv, gpu, 350)[0].ShareSize)
	}
	small := share(inv, 0, 350)
	cost := func(node string, state placement.GPUStates) int64 {
		return f.OpportunityCost(node, 64_000, state, 1000, small)
	}
	if got := cost("matching", matching); got != 0 {
		t.Errorf("before pods have come: cost %d, want 0", got)
	}
	for range 50 {
		f.ObservePod(1000, inv, share(inv, 0, 650))
		f.ObservePod(1000, inv, small)
	}
	if fits, wastes := cost("matching", matching), cost("wasting", wasting); fits >= wastes {
		t.Errorf("cost where it fits: %d, not less than %d where it wastes", fits, wastes)
	}
	if got := f.OpportunityCost("unknown", 64_000, matching, 1000, small); got != 0 {
		t.Errorf("unknown node: cost %d, want 0", got)
	}
}

// Links and MIG are placement's to judge.
func TestHasNoSayInLinksAndMIG(t *testing.T) {
	inv := inventoryOf(t, fourA30)
	f := forecastOf(t, forecast.Node{Name: "n", Inventory: inv})
	pair := whole(inv, 2)
	slice := []placement.DeviceAllocation{{Device: device(inv, placement.MIG, 0)}}
	for range 100 {
		f.ObservePod(1000, inv, pair)
		f.ObservePod(1000, inv, slice)
	}
	free := placement.NewGPUStates(inv)
	if got := f.OpportunityCost("n", 64_000, free, 1000, pair); got != 0 {
		t.Errorf("two GPUs: cost %d, want 0", got)
	}
	if got := f.OpportunityCost("n", 64_000, free, 1000, slice); got != 0 {
		t.Errorf("a MIG instance: cost %d, want 0", got)
	}
	if f.OpportunityCost("n", 64_000, free, 1000, pair[:1]) == 0 {
		t.Error("one GPU costs nothing, though such pods are to come")
	}
}

// New nodes do not make it forget.
func TestRemembersWhenNodesChange(t *testing.T) {
	inv := inventoryOf(t, fourA30)
	f := forecastOf(t, forecast.Node{Name: "n", Inventory: inv})
	for range 100 {
		f.ObservePod(1000, inv, share(inv, 0, 500))
	}
	cost := func() int64 {
		return f.OpportunityCost("n", 64_000, placement.NewGPUStates(inv), 1000, share(inv, 0, 500))
	}
	before := cost()
	if err := f.SetNodes([]forecast.Node{{Name: "m", Inventory: inv}, {Name: "n", Inventory: inv}}); err != nil {
		t.Fatal(err)
	}
	if after := cost(); after != before {
		t.Errorf("cost %d after the nodes changed, want %d", after, before)
	}
}

func TestSetNodesRefusesNodesWithoutGPUs(t *testing.T) {
	if err := forecast.NewDemandForecast().SetNodes([]forecast.Node{{Name: "cpu-0"}}); err == nil {
		t.Error("a node without GPUs is accepted")
	}
}

// Two nodes that differ only in the model of their GPUs cost the same, though nearly all
// pods were placed on one of the models: scarcity of a model has no say.
func TestModelHasNoSay(t *testing.T) {
	plenty := inventoryOf(t, "dgx-h100")
	node := *plenty.Node
	node.GPUs = append([]topology.GPU(nil), node.GPUs...)
	rare := *node.GPUs[0].Model
	rare.Name = "rare"
	for i := range node.GPUs {
		node.GPUs[i].Model = &rare
	}
	scarce := newInventory(t, &node)
	f := forecastOf(t, forecast.Node{Name: "plenty-0", Inventory: plenty},
		forecast.Node{Name: "plenty-1", Inventory: plenty}, forecast.Node{Name: "scarce", Inventory: scarce})
	for i := range 300 {
		f.ObservePod(8000, scarce, share(scarce, i%8, 300))
		f.ObservePod(8000, scarce, whole(scarce, 1))
		f.ObservePod(8000, scarce, whole(scarce, 2))
	}
	for name, devices := range map[string][]placement.DeviceAllocation{
		"one GPU": whole(plenty, 1), "a share": share(plenty, 0, 300),
	} {
		cost := f.OpportunityCost("plenty-0", 64_000, placement.NewGPUStates(plenty), 8000, devices)
		if cost == 0 {
			t.Errorf("%s: costs nothing, and says nothing", name)
		}
		if other := f.OpportunityCost("scarce", 64_000, placement.NewGPUStates(scarce), 8000, devices); other != cost {
			t.Errorf("%s: costs %d, on the other model %d", name, cost, other)
		}
	}
}

// Asking for costs, of whatever nodes, states and pods, changes no cost later.
func TestAskingTeachesNothing(t *testing.T) {
	inv := inventoryOf(t, fourA30)
	nodes := []forecast.Node{{Name: "a", Inventory: inv}, {Name: "b", Inventory: inv}}
	asked, silent := forecastOf(t, nodes...), forecastOf(t, nodes...)
	free, full := placement.NewGPUStates(inv), placement.NewGPUStates(inv)
	for gpu := range inv.Node.GPUs {
		inv.HoldDevice(full, device(inv, placement.Share, gpu), share(inv, gpu, 1000)[0].ShareSize)
	}
	probes := [][]placement.DeviceAllocation{share(inv, 0, 350), share(inv, 1, 900), whole(inv, 1), whole(inv, 2)}
	for i := range 200 {
		taught := probes[i%2]
		for _, f := range []*forecast.DemandForecast{asked, silent} {
			f.ObservePod(1000, inv, taught)
		}
		for _, node := range nodes { // as preemption does, that tries many sets of victims
			for k, probe := range probes {
				asked.OpportunityCost(node.Name, int64(1000*k), full, int64(500*i), probe)
				asked.OpportunityCost(node.Name, 64_000, free, int64(100*i), probe)
			}
			asked.OpportunityCost(node.Name, 64_000, full, 1000, probes[0])
		}
		if i%20 != 19 {
			continue
		}
		for _, devices := range probes {
			got, want := asked.OpportunityCost("b", 32_000, free, 4000, devices), silent.OpportunityCost("b", 32_000, free, 4000, devices)
			if got != want {
				t.Fatalf("after %d pods: cost %d where costs were asked for, %d where they were not", i+1, got, want)
			}
		}
	}
}
