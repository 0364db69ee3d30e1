package placement

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/google/go-cmp/cmp"
)

func TestWant(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	count := func(want DeviceSelector) map[Form]int {
		forms := map[Form]int{}
		accepts := want.AcceptedDevices(inv)
		for i := accepts.nextDevice(0); i >= 0; i = accepts.nextDevice(i + 1) {
			forms[inv.Devices[i].Form]++
		}
		return forms
	}
	// Four GPUs, each with 18 placements of its 7-slice table and 7 more of 1g+me.
	if diff := cmp.Diff(map[Form]int{Whole: 4, Share: 4, MIG: 100}, count(DeviceSelector{})); diff != "" {
		t.Fatalf("count(DeviceSelector{}) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[Form]int{Whole: 4}, count(DeviceSelector{Forms: []Form{Whole}})); diff != "" {
		t.Fatalf("count(DeviceSelector{Forms: []Form{Whole}}) (-want +got):\n%s", diff)
	}
	// 40 GB and more: 3g at 0 and 4, 4g, 7g.
	if diff := cmp.Diff(map[Form]int{Whole: 4, Share: 4, MIG: 16}, count(DeviceSelector{Memory: 39 * topology.GiB})); diff != "" {
		t.Fatalf("count(DeviceSelector{Memory: 39 * topology.GiB}) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[Form]int{MIG: 12}, count(DeviceSelector{Forms: []Form{MIG}, Profiles: []mig.ProfileID{profile2g}})); diff != "" {
		t.Fatalf("got (-want +got):\n%s", diff)
	}
	if got := count(DeviceSelector{Models: []string{"H100-SXM5-80GB"}}); len(got) > 0 {
		t.Fatalf("count(DeviceSelector{Models: []string{\"H100-SXM5-80GB\"}}) = %v, want none", got)
	}
	if got := count(DeviceSelector{Models: []string{"A100-PCIe-80GB"}}); len(got) != 3 {
		t.Fatalf("len(count(DeviceSelector{Models: []string{\"A100-PCIe-80GB\"}})) = %d, want %d: %v", len(got), 3, got)
	}
	if got := count(DeviceSelector{Compute: topology.ComputeCapability{Major: 8, Minor: 9}}); len(got) > 0 {
		t.Fatalf("got = %v, want none", got)
	}
	if got := count(DeviceSelector{Compute: topology.ComputeCapability{Major: 8}}); len(got) != 3 {
		t.Fatalf("len(count(DeviceSelector{Compute: topology.ComputeCapability{Major: 8}})) = %d, want %d: %v", len(got), 3, got)
	}
}

// A mixed node: the request names what it can live with, and the policy takes what
// loses the least.
func TestAnyFormThatHasTheseBytes(t *testing.T) {
	mixed := *inventoryOf(t, "azure-nc96ads-a100").Node
	mixed.GPUs = append([]topology.GPU(nil), mixed.GPUs...)
	small := inventoryOf(t, "4xA30-pcie").Node.GPUs[0].Model
	mixed.GPUs[2].Model, mixed.GPUs[3].Model = small, small
	inv, err := NewInventory(&mixed, NodeDevices(&mixed, make([]*mig.Table, 4)), PriorDemand())
	if err != nil {
		t.Fatal(err)
	}
	for bytes, want := range map[topology.Bytes]int{20 * topology.GiB: 2, 40 * topology.GiB: 0} {
		accepts := (&DeviceSelector{Memory: bytes}).AcceptedDevices(inv)
		verdict := Place(inv, NewGPUStates(inv), &Request{Parts: []Part{{Count: 1, Bytes: bytes, Accepts: accepts}}}, KeepPlaceable{})
		if diff := cmp.Diff([]int{want}, gpusOf(inv, verdict)); diff != "" {
			t.Fatalf("%s goes on the smallest GPU that has it: gpusOf(inv, verdict) (-want +got):\n%s", bytes, diff)
		}
	}
}
