package placement

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// gpusFor asks every node for count whole GPUs.
func gpusFor(count int) RequestFor {
	cache := map[*Inventory]*Request{}
	return func(inv *Inventory) *Request {
		if cache[inv] == nil {
			cache[inv] = wholeGPUs(inv, count)
		}
		return cache[inv]
	}
}

func sliceFor(id mig.ProfileID) RequestFor {
	return func(inv *Inventory) *Request { return slicesOf(inv, id, 1) }
}

// Best is what asking every node by itself would give.
func TestFleetChoosesAsIfEveryNodeWereAsked(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	fleet := NewFleet()
	var inventories []*Inventory
	for _, machine := range []string{"dgx-h100", "azure-nc96ads-a100", "4xA30-pcie", "dgx1-v100"} {
		inventories = append(inventories, inventoryOf(t, machine))
	}
	for n := range 60 {
		fleet.Add(inventories[n%len(inventories)])
	}
	type held struct {
		node   int
		grants []DeviceAllocation
	}
	var running []held
	requests := []RequestFor{gpusFor(1), gpusFor(2), gpusFor(4), sliceFor(profile1g), sliceFor(profile3g), sliceFor(14)}
	var questions []*Question
	for _, request := range requests {
		questions = append(questions, fleet.Ask(request, KeepPlaceable{}))
	}
	for step := range 3_000 {
		if step%500 == 499 {
			fleet.renumber()
		}
		if len(running) > 0 && random.Intn(5) < 2 {
			at := random.Intn(len(running))
			fleet.Release(running[at].node, running[at].grants)
			running = slices.Delete(running, at, at+1)
			continue
		}
		asked := random.Intn(len(requests))
		request := requests[asked]
		wantNode, want := -1, Rating{}
		for node := range fleet.Len() {
			inv := fleet.Inventory(node)
			if v := Place(inv, fleet.State(node), request(inv), KeepPlaceable{}); v.Outcome == Fits && (wantNode < 0 || v.Rating.Better(want)) {
				wantNode, want = node, v.Rating
			}
		}
		node, verdict := questions[asked].Best()
		require.Equal(t, wantNode, node)
		if node < 0 {
			continue
		}
		require.Equal(t, want, verdict.Rating)
		grants := slices.Clone(verdict.Devices)
		require.NoError(t, fleet.Take(node, grants))
		running = append(running, held{node, grants})
	}
	for _, h := range running {
		fleet.Release(h.node, h.grants)
	}
	for node := range fleet.Len() {
		require.Equal(t, NewGPUStates(fleet.Inventory(node)), fleet.State(node))
	}
}

func TestFleetTakeIsAllOrNothing(t *testing.T) {
	fleet := NewFleet()
	node := fleet.Add(inventoryOf(t, "4xA30-pcie"))
	whole := Place(fleet.Inventory(node), fleet.State(node), wholeGPUs(fleet.Inventory(node), 1), FirstFit{}).Devices[0]
	require.ErrorContains(t, fleet.Take(node, []DeviceAllocation{whole, whole}), "node 0: whole of GPU 0 is not free")
	require.Equal(t, NewGPUStates(fleet.Inventory(node)), fleet.State(node))
}

// BenchmarkFleet is one request scored on 5,000 nodes of four makes, every GPU of
// which is held or not at random: some 800 different states.
func BenchmarkFleet(b *testing.B) {
	random := rand.New(rand.NewSource(1))
	fleet := NewFleet()
	var inventories []*Inventory
	for _, machine := range []string{"dgx-h100", "dgx-a100", "8xL40S-2socket-node", "dgx1-v100"} {
		inventories = append(inventories, inventoryOf(b, machine))
	}
	for n := range 5_000 {
		inv := inventories[n%len(inventories)]
		node := fleet.Add(inv)
		for i, device := range inv.Devices {
			if device.Form == Whole && random.Intn(3) == 0 {
				if err := fleet.Take(node, []DeviceAllocation{{Device: i}}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	request := gpusFor(4)
	b.Run("nodes=5000/asked=first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fleet.Ask(request, KeepPlaceable{}).Best()
		}
	})
	b.Run("nodes=5000/asked=again", func(b *testing.B) {
		question := fleet.Ask(request, KeepPlaceable{})
		question.Best()
		b.ReportAllocs()
		for b.Loop() {
			question.Best()
		}
	})
}
