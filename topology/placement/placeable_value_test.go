package placement

import (
	"math/rand"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/google/go-cmp/cmp"
)

// simplePacking is the most bandwidth over disjoint sets of a size, by trying every
// way to leave GPUs out and to group the rest.
func simplePacking(set GPUSet, size int, ring []int64) int64 {
	if set.Len() < size {
		return 0
	}
	best := simplePacking(set&(set-1), size, ring) // the lowest GPU is left out
	for sub := set; sub != 0; sub = (sub - 1) & set {
		if sub.Len() == size && sub.Has(set.lowestGPU()) {
			best = max(best, ring[sub]+simplePacking(set&^sub, size, ring))
		}
	}
	return best
}

func TestPackingEqualsBruteForce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, machine := range machines {
		inv := inventoryOf(t, machine)
		for size := 2; size <= 4; size++ {
			served := make([]int64, 1<<len(inv.Node.GPUs))
			packSets(served, size, inv.ring)
			for range 20 {
				set := GPUSet(random.Intn(len(served)))
				if got, want := served[set], simplePacking(set, size, inv.ring); got != want {
					t.Fatalf("%s, sets of %d of %b: served[set] = %v, want %v", machine, size, set, got, want)
				}
			}
		}
	}
}

// What a split GPU is worth follows from what package mig says can still be placed.
func TestOpennessFollowsTheGeometry(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, key := range catalogue.Default().Tables() {
		table, err := catalogue.Default().MIG(key)
		if err != nil {
			t.Fatal(err)
		}
		node := *inventoryOf(t, "dgx-h100").Node
		node.GPUs, node.NICs, node.Links = node.GPUs[:1], nil, [][]topology.Link{{{Kind: topology.Self}}}
		inv, err := NewInventory(&node, NodeDevices(&node, []*mig.Table{table}), Demand{Divided: 100})
		if err != nil {
			t.Fatal(err)
		}

		placeable := func(held mig.Occupancy) (slices int64) {
			for i := range table.Profiles {
				for _, at := range table.Profiles[i].Placements {
					if table.CanPlace(held, &table.Profiles[i], at) {
						slices += at.Size
					}
				}
			}
			return slices
		}
		empty := placeable(mig.Occupancy{})
		for range 200 {
			s := NewGPUStates(inv)
			held := mig.Occupancy{} // with all media engines, as package mig counts them
			for range random.Intn(8) {
				i := random.Intn(len(inv.Devices))
				device := inv.Devices[i]
				profile, isMIG := table.Profile(device.Profile)
				if device.Form != MIG || !isMIG {
					continue
				}
				if got, want := inv.DeviceFits(s, i, ShareSize{}), table.CanPlace(held, profile, device.Placement); got != want {
					t.Fatalf("%s, %+v beside %+v: inv.DeviceFits(s, i, ShareSize{}) = %v, want %v", key, device, held, got, want)
				}
				if inv.DeviceFits(s, i, ShareSize{}) {
					inv.HoldDevice(s, i, ShareSize{})
					held = held.Place(profile, device.Placement)
				}
			}
			open := inv.flexibility[0]
			want := inv.memory[0] * 100 * placeable(held) / empty / 100
			if got := open.placeableBeside(open.mediaLevel(&s[0].MIG.Media), s[0].MIG.Slices); got != want {
				t.Fatalf("%s, %+v: got = %v, want %v", key, held, got, want)
			}
		}
	}
}

// A demand moves choices: with nothing but jobs on whole GPUs to come, a pair that is
// broken already serves the next single GPU; which pair a job on two gets does not
// depend on it.
func TestDemandMovesChoices(t *testing.T) {
	base := inventoryOf(t, "azure-nc96ads-a100")
	s := NewGPUStates(base)
	s[3].Whole = true
	for name, tc := range map[string]struct {
		demand Demand
		want   int
	}{
		"pairs to come":       {Demand{GPUs: map[int]int64{2: 1}}, 2},
		"single GPUs to come": {Demand{GPUs: map[int]int64{1: 1}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inv, err := NewInventory(base.Node, base.Devices, tc.demand)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{tc.want}, gpusOf(inv, Place(inv, s, wholeGPUs(inv, 1), KeepPlaceable{}))); diff != "" {
				t.Fatalf("gpusOf(inv, Place(inv, s, wholeGPUs(inv, 1), KeepPlaceable{})) (-want +got):\n%s", diff)
			}
		})
	}
}
