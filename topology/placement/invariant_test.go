package placement

import (
	"math/bits"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

// taken is a grant that is held, with what it was granted.
type taken struct {
	device int
	size   ShareSize
}

// FuzzStateIsConserved takes and releases devices in any order: what fits is never
// in conflict with what is held, releasing undoes taking, and an device that does
// not fit changes nothing. Each byte of the input is one step: odd values release
// the oldest grant, even ones take the device that they choose.
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
				require.Equal(t, before, s, "a refused device changed the state")
				continue
			}
			held = append(held, choice)
			requireConsistent(t, inv, s, held)
		}
		for _, h := range held {
			inv.ReleaseDevice(s, h.device, h.size)
		}
		require.Equal(t, NewGPUStates(inv), s, "releasing everything leaves a free node")
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
		require.LessOrEqual(t, len(forms), 1, "GPU %d is in several forms: %v", gpu, forms)
		require.LessOrEqual(t, forms[Whole], 1, "GPU %d is given away twice", gpu)
		require.Equal(t, forms[Whole] == 1, s[gpu].Whole)
		if forms[MIG] > 0 {
			require.Equal(t, slicesHeld, bits.OnesCount16(uint16(s[gpu].MIG.Slices)), "slices of GPU %d overlap", gpu)
		}
		if forms[Share] > 0 {
			require.Equal(t, bytes, s[gpu].Shared)
			require.Equal(t, compute, s[gpu].Compute)
			require.LessOrEqual(t, compute, topology.WholeGPU)
			require.LessOrEqual(t, s[gpu].Shared, inv.Node.GPUs[gpu].Model.Usable())
		}
	}
}
