package placement

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// inventoryOf is the inventory of a machine type of the catalogue.
func inventoryOf(t testing.TB, machine string) *Inventory {
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
		tables[i], err = catalogue.Default().MIG(gpu.Model.MIG)
		if err != nil {
			t.Fatal(err)
		}
	}
	inventory, err := NewInventory(machineType.Node, NodeDevices(machineType.Node, tables), PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	return inventory
}

// wholeGPUs asks for count whole GPUs.
func wholeGPUs(inv *Inventory, count int) *Request {
	return &Request{Parts: []Part{{Name: "gpus", Count: count, Accepts: inv.SelectDevices(func(o *Device) bool { return o.Form == Whole })}}}
}

// slicesOf asks for count MIG instances of a profile.
func slicesOf(inv *Inventory, id mig.ProfileID, count int) *Request {
	accepts := inv.SelectDevices(func(o *Device) bool { return o.Form == MIG && o.Profile == id })
	return &Request{Parts: []Part{{Name: "slices", Count: count, Accepts: accepts}}}
}

// sharesOf asks for a part of one GPU's memory.
func sharesOf(inv *Inventory, bytes topology.Bytes) *Request {
	return &Request{Parts: []Part{sharePart(inv, bytes)}}
}

// sharePart is the one part of a request for shared memory.
func sharePart(inv *Inventory, bytes topology.Bytes) Part {
	return Part{Count: 1, Bytes: bytes, Accepts: inv.SelectDevices(func(o *Device) bool { return o.Form == Share })}
}

// randomState takes random devices, all of which fit.
func randomState(inv *Inventory, random *rand.Rand) GPUStates {
	s := randomNodeState(inv, random)
	return s.GPUs()
}

// randomNodeState allocates random devices, all of which fit, each to a holder of its own.
func randomNodeState(inv *Inventory, random *rand.Rand) NodeState {
	s := NewNodeState(inv)
	for n := range random.Intn(2 * len(s.GPUs())) {
		i := random.Intn(len(inv.Devices))
		size := ShareSize{Bytes: inv.Devices[i].Memory / 16 * 3} // only of consequence to shares
		if inv.DeviceFits(s.GPUs(), i, size) {
			s.RecordAllocation(Allocation{Holder: holderNumber(n), Devices: []DeviceAllocation{{Device: i, ShareSize: size}}})
		}
	}
	return s
}

func holderNumber(n int) HolderID { return HolderID(strconv.Itoa(n)) }

// wholeHeld is a node on which each of some GPUs is held as a whole, by a holder that is
// called like the GPU.
func wholeHeld(inv *Inventory, gpus ...int) NodeState {
	s := NewNodeState(inv)
	for i, device := range inv.Devices {
		if device.Form == Whole && slices.Contains(gpus, device.GPU) {
			s.RecordAllocation(Allocation{Holder: holderNumber(device.GPU), Devices: []DeviceAllocation{{Device: i}}})
		}
	}
	return s
}
