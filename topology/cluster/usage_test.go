package cluster

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// slicesOn are so many MIG instances of one memory slice of a GPU, from its start.
func slicesOn(t testing.TB, inv *placement.Inventory, gpu, count int) []placement.DeviceAllocation {
	t.Helper()
	var found []placement.DeviceAllocation
	for start := range count {
		for i := range inv.Devices {
			at := mig.Placement{Start: int64(start), Size: 1}
			if d := &inv.Devices[i]; d.Form == placement.MIG && d.GPU == gpu && d.Placement == at {
				found = append(found, placement.DeviceAllocation{Device: i})
				break
			}
		}
	}
	if len(found) != count {
		t.Fatalf("GPU %d has %d placements of one slice, want %d", gpu, len(found), count)
	}
	return found
}

func deviceOfForm(t testing.TB, inv *placement.Inventory, gpu int, form placement.Form) int {
	t.Helper()
	for i := range inv.Devices {
		if inv.Devices[i].Form == form && inv.Devices[i].GPU == gpu {
			return i
		}
	}
	t.Fatalf("GPU %d has no device of form %v", gpu, form)
	return -1
}

func TestMeasureUsage(t *testing.T) {
	inv := inventoryOf(t, "dgx-a100")
	product := inv.Node.GPUs[0].Model.Product
	usable := inv.Node.GPUs[0].Model.Usable()
	slice := usable / 8
	give := func(devices ...placement.DeviceAllocation) []placement.Allocation {
		return []placement.Allocation{{Holder: "h", Devices: devices}}
	}
	share := func(gpu int, amount topology.Bytes) placement.DeviceAllocation {
		return placement.DeviceAllocation{Device: deviceOfForm(t, inv, gpu, placement.Share), ShareSize: placement.ShareSize{Bytes: amount}}
	}
	for name, tc := range map[string]struct {
		held []placement.Allocation
		want ProductUsage
		// wantCompactable is how many GPUs packing could free.
		wantCompactable int64
	}{
		"nobody": {want: ProductUsage{FreeGPUs: 8, FreeBytes: 8 * usable}},
		"a whole GPU": {
			held: give(placement.DeviceAllocation{Device: deviceOfForm(t, inv, 3, placement.Whole)}),
			want: ProductUsage{FreeGPUs: 7, FreeBytes: 7 * usable, Held: [3]FormUsage{placement.Whole: {1, usable, usable}}},
		},
		"shares of two GPUs": {
			held: give(share(0, 10<<30), share(1, 20<<30)),
			want: ProductUsage{FreeGPUs: 6, FreeBytes: 8*usable - 30<<30, Held: [3]FormUsage{placement.Share: {2, 30 << 30, 2 * usable}}},
			// 30 GiB are less than one GPU.
			wantCompactable: 1,
		},
		// Seven 1g.10gb take seven memory slices; the eighth is out of reach, as every profile that
		// has it needs slice 6 too.
		"a slice that no placement reaches": {
			held: give(slicesOn(t, inv, 0, 7)...),
			want: ProductUsage{
				FreeGPUs: 7, FreeBytes: 7 * usable, StrandedBytes: usable - 7*slice, Held: [3]FormUsage{placement.MIG: {1, 7 * slice, usable}},
			},
		},
		"room beside slices": {
			held: give(slicesOn(t, inv, 0, 6)...),
			want: ProductUsage{
				FreeGPUs: 7, FreeBytes: 7*usable + 2*slice, StrandedBytes: usable - 8*slice,
				Held: [3]FormUsage{placement.MIG: {1, 6 * slice, usable}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			const nodes = 3
			s := NewSnapshot(nil)
			for i := range nodes {
				s.AddNode(Node{Name: string(rune('a' + i)), Domain: NoDomain})
				s.SetNode(i, Node{Name: string(rune('a' + i)), Inventory: inv, Domain: NoDomain}, tc.held)
			}
			s.AddNode(Node{Name: "cpu", Domain: NoDomain})
			want := ProductUsage{}
			want.addUsage(&tc.want, nodes)
			got := s.MeasureUsage()
			if len(got) != 1 || got[product] == nil || *got[product] != want {
				t.Fatalf("got %+v, want %+v", got[product], want)
			}
			var all topology.Bytes
			for _, held := range got[product].Held {
				all += held.Bytes
			}
			if all += got[product].FreeBytes + got[product].StrandedBytes; all != nodes*8*usable {
				t.Errorf("allocated, free and stranded memory are %d together, want %d", all, nodes*8*usable)
			}
			if compactable := tc.want.CompactableGPUs(); compactable != tc.wantCompactable {
				t.Errorf("%d GPUs are compactable, want %d", compactable, tc.wantCompactable)
			}
		})
	}
}

// BenchmarkMeasureUsage is 5,000 nodes of which no two are in the same state.
func BenchmarkMeasureUsage(b *testing.B) {
	inv := inventoryOf(b, "dgx-a100")
	s := NewSnapshot(nil)
	for i := range 5000 {
		node := Node{Name: "n", Inventory: inv, Domain: NoDomain}
		s.AddNode(node)
		s.RecordAllocation(i, placement.Allocation{Devices: []placement.DeviceAllocation{{
			Device: deviceOfForm(b, inv, i%8, placement.Share), ShareSize: placement.ShareSize{Bytes: topology.Bytes(i+1) << 20},
		}}})
	}
	b.ResetTimer()
	for b.Loop() {
		s.MeasureUsage()
	}
}
