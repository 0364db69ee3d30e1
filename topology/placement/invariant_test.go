package placement

import (
	"math/bits"
	"math/rand"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/google/go-cmp/cmp"
)

// taken is a device that is held, with how much of it.
type taken struct {
	device int
	size   ShareSize
}

// FuzzStateIsConserved takes and releases devices in any order: what fits is never
// in conflict with what is held, releasing undoes taking, and a device that does
// not fit changes nothing. Each byte of the input is one step: odd values release
// the oldest one, even ones take the device that they choose.
func FuzzStateIsConserved(f *testing.F) {
	f.Add([]byte{0, 2, 4, 6, 1, 3, 8, 200, 202, 1, 1, 1})
	f.Add([]byte{40, 42, 44, 46, 48, 50, 1, 52})
	inventories := []*Inventory{inventoryOf(f, "4xA30-pcie"), inventoryOf(f, "8xrtxpro6000-g7e"), inventoryOf(f, "azure-nc96ads-a100")}
	f.Fuzz(func(t *testing.T, steps []byte) {
		inv := inventories[len(steps)%len(inventories)]
		random := rand.New(rand.NewSource(int64(len(steps))))
		s := NewGPUStates(inv)
		var held []taken
		for _, step := range steps {
			if step%2 == 1 && len(held) > 0 {
				inv.ReleaseDevice(s, held[0].device, held[0].size)
				held = held[1:]
				requireConsistent(t, inv, s, held)
				continue
			}
			choice := taken{device: (int(step) + 256*random.Intn(8)) % len(inv.Devices)}
			if inv.Devices[choice.device].Form == Share {
				choice.size = ShareSize{
					Bytes:   topology.Bytes(1 + random.Int63n(int64(inv.Devices[choice.device].Memory))),
					Compute: topology.MilliGPU(random.Int63n(1000)),
				}
			}
			before := slices.Clone(s)
			if err := inv.TakeDevice(s, choice.device, choice.size); err != nil {
				if diff := cmp.Diff(before, s); diff != "" {
					t.Fatalf("a refused device changed the state: s (-want +got):\n%s", diff)
				}
				continue
			}
			held = append(held, choice)
			requireConsistent(t, inv, s, held)
		}
		for _, h := range held {
			inv.ReleaseDevice(s, h.device, h.size)
		}
		if diff := cmp.Diff(NewGPUStates(inv), s); diff != "" {
			t.Fatalf("releasing everything leaves a free node: s (-want +got):\n%s", diff)
		}
	})
}

// requireConsistent recounts the state from the list of what is held.
func requireConsistent(t *testing.T, inv *Inventory, s GPUStates, held []taken) {
	t.Helper()
	for gpu := range s {
		forms := map[Form]int{}
		slicesHeld, bytes, compute := 0, topology.Bytes(0), topology.MilliGPU(0)
		for _, h := range held {
			device := &inv.Devices[h.device]
			if device.GPU != gpu {
				continue
			}
			forms[device.Form]++
			slicesHeld += bits.OnesCount16(uint16(device.Placement.Slices()))
			if device.Form == MIG {
				continue
			}
			bytes += h.size.Bytes
			compute += h.size.Compute
		}
		if len(forms) > 1 {
			t.Fatalf("GPU %d is in several forms: %v: len(forms) = %v, want at most %v", gpu, forms, len(forms), 1)
		}
		if forms[Whole] > 1 {
			t.Fatalf("GPU %d is given away twice: forms[Whole] = %v, want at most %v", gpu, forms[Whole], 1)
		}
		if s[gpu].Whole != (forms[Whole] == 1) {
			t.Fatalf("s[gpu].Whole = %v, want %v", s[gpu].Whole, (forms[Whole] == 1))
		}
		if forms[MIG] > 0 {
			if got := bits.OnesCount16(uint16(s[gpu].MIG.Slices)); got != slicesHeld {
				t.Fatalf("slices of GPU %d overlap: bits.OnesCount16(uint16(s[gpu].MIG.Slices)) = %v, want %v", gpu, got, slicesHeld)
			}
		}
		if forms[Share] > 0 {
			if s[gpu].Shared != bytes {
				t.Fatalf("s[gpu].Shared = %v, want %v", s[gpu].Shared, bytes)
			}
			if s[gpu].Compute != compute {
				t.Fatalf("s[gpu].Compute = %v, want %v", s[gpu].Compute, compute)
			}
			if compute > topology.WholeGPU {
				t.Fatalf("compute = %v, want at most %v", compute, topology.WholeGPU)
			}
			if s[gpu].Shared > inv.Node.GPUs[gpu].Model.Usable() {
				t.Fatalf("s[gpu].Shared = %v, want at most %v", s[gpu].Shared, inv.Node.GPUs[gpu].Model.Usable())
			}
		}
	}
}
