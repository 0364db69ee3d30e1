package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
)

// FuzzNodeStateAgreesWithItsAllocations allocates, records, releases and restores in any
// order, and holds the sums per GPU against the list of who holds what. Each byte of
// the input is one step.
func FuzzNodeStateAgreesWithItsAllocations(f *testing.F) {
	f.Add([]byte{0, 4, 8, 12, 1, 5, 200, 202, 3, 3, 2, 1, 1})
	f.Add([]byte{40, 42, 44, 46, 46, 46, 50, 1, 3, 52, 7, 7})
	inventories := []*Inventory{inventoryOf(f, "4xA30-pcie"), inventoryOf(f, "8xrtxpro6000-g7e"), inventoryOf(f, "azure-nc96ads-a100")}
	f.Fuzz(func(t *testing.T, steps []byte) {
		inv := inventories[len(steps)%len(inventories)]
		random := rand.New(rand.NewSource(int64(len(steps))))
		s := NewNodeState(inv)
		for n, step := range steps {
			device := DeviceAllocation{Device: (int(step) + 256*random.Intn(8)) % len(inv.Devices)}
			if inv.Devices[device.Device].Form == Share {
				device.ShareSize = ShareSize{
					Bytes:   topology.Bytes(1 + random.Int63n(int64(inv.Devices[device.Device].Memory))),
					Compute: topology.MilliGPU(random.Int63n(1000)),
				}
			}
			a := Allocation{Holder: holderNumber(n % 7), Devices: []DeviceAllocation{device}}
			before := cloneStates(&s)
			switch held := len(s.Allocations()); {
			case step%4 == 1 && held > 0:
				holder := s.Allocations()[int(step)%held].Holder
				if len(s.ReleaseHolder(holder)) == 0 {
					t.Fatalf("holder %s had nothing to release", holder)
				}
			case step%4 == 2 && held > 0:
				at := int(step) % held
				s.RestoreAt(at, s.ReleaseAt(at))
				if diff := cmp.Diff(before, s.GPUs()); diff != "" {
					t.Fatalf("restoring what was released changed the sums (-before +after):\n%s", diff)
				}
			case step%4 == 3:
				s.RecordAllocation(a)
			default:
				if err := s.Allocate(a); err != nil && !cmp.Equal(before, s.GPUs()) {
					t.Fatalf("a refused allocation changed the sums: %v", err)
				}
			}
			requireSums(t, inv, &s)
		}
		for len(s.Allocations()) > 0 {
			s.ReleaseHolder(s.Allocations()[0].Holder)
		}
		if diff := cmp.Diff(NewGPUStates(inv), s.GPUs()); diff != "" {
			t.Fatalf("releasing everything leaves a free node (-want +got):\n%s", diff)
		}
	})
}

func cloneStates(s *NodeState) GPUStates { return slices.Clone(s.GPUs()) }

// requireSums adds the allocations up from nothing.
func requireSums(t *testing.T, inv *Inventory, s *NodeState) {
	t.Helper()
	want := NewGPUStates(inv)
	for _, a := range s.Allocations() {
		for _, device := range a.Devices {
			inv.HoldDevice(want, device.Device, device.ShareSize)
		}
	}
	if diff := cmp.Diff(want, s.GPUs()); diff != "" {
		t.Fatalf("the sums are not those of the allocations (-want +got):\n%s", diff)
	}
}

func TestHoldersOf(t *testing.T) {
	inv := inventoryOf(t, "azure-nc96ads-a100")
	s := wholeHeld(inv, 0, 2, 3)
	for name, tc := range map[string]struct {
		gpus GPUSet
		want []HolderID
	}{
		"free GPU":  {1 << 1, nil},
		"one":       {1 << 2, []HolderID{"2"}},
		"two":       {1<<0 | 1<<3, []HolderID{"0", "3"}},
		"all of it": {inv.AllGPUs(), []HolderID{"0", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, s.HoldersOf(tc.gpus)); diff != "" {
				t.Errorf("holders (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllocateIsAllOrNothing(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewNodeState(inv)
	whole := Place(inv, s.GPUs(), wholeGPUs(inv, 1), FirstFit{}).Devices[0]
	err := s.Allocate(Allocation{Holder: "a", Devices: []DeviceAllocation{whole, whole}})
	if want := "allocating to a: whole of GPU 0 is not free"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if diff := cmp.Diff(NewGPUStates(inv), s.GPUs()); diff != "" {
		t.Errorf("a refused allocation changed the state (-want +got):\n%s", diff)
	}
}
