package cluster

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// inventoryOf is the inventory of a machine type of the catalogue.
func inventoryOf(t testing.TB, machine string) *placement.Inventory {
	t.Helper()
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		t.Fatal(err)
	}
	tables := make([]*mig.Table, len(machineType.Node.GPUs))
	for i, gpu := range machineType.Node.GPUs {
		if gpu.Model.MIG == "" {
			continue
		}
		if tables[i], err = catalogue.Default().MIG(gpu.Model.MIG); err != nil {
			t.Fatal(err)
		}
	}
	inventory, err := placement.NewInventory(machineType.Node, placement.NodeDevices(machineType.Node, tables), placement.PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inventory
}

// requestFor is what a pod asks of nodes of one make.
type requestFor = func(*placement.Inventory) *placement.Request

// gpusFor asks every node for count whole GPUs.
func gpusFor(count int) requestFor {
	cache := map[*placement.Inventory]*placement.Request{}
	return func(inv *placement.Inventory) *placement.Request {
		if cache[inv] == nil {
			accepts := inv.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.Whole })
			cache[inv] = &placement.Request{Parts: []placement.Part{{Name: "gpus", Count: count, Accepts: accepts}}}
		}
		return cache[inv]
	}
}

// sliceFor asks every node for an instance of a MIG profile.
func sliceFor(id mig.ProfileID) requestFor {
	return func(inv *placement.Inventory) *placement.Request {
		accepts := inv.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.MIG && d.Profile == id })
		return &placement.Request{Parts: []placement.Part{{Name: "slices", Count: 1, Accepts: accepts}}}
	}
}

// onlyOn restricts a request to nodes of one make.
func onlyOn(inv *placement.Inventory, request requestFor) requestFor {
	return func(other *placement.Inventory) *placement.Request {
		if other == inv {
			return request(other)
		}
		return &placement.Request{Parts: []placement.Part{{Count: 1, Accepts: placement.NewDeviceSet(len(other.Devices))}}}
	}
}
