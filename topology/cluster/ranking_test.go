package cluster

import (
	"math/rand"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// MIG profile IDs of the A100 family: NVML's GPU_INSTANCE_PROFILE numbers as
// nvidia-smi prints them.
const (
	profile1g mig.ProfileID = 19
	profile2g mig.ProfileID = 14
	profile3g mig.ProfileID = 9
)

// Best is what asking every node by itself would give.
func TestRankingChoosesAsIfEveryNodeWereAsked(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	s := NewSnapshot(nil)
	var inventories []*placement.Inventory
	for _, machine := range []string{"dgx-h100", "azure-nc96ads-a100", "4xA30-pcie", "dgx1-v100"} {
		inventories = append(inventories, inventoryOf(t, machine))
	}
	for n := range 60 {
		s.AddNode(Node{Inventory: inventories[n%len(inventories)]})
	}
	type running struct {
		node   int
		holder placement.HolderID
	}
	var pods []running
	requests := []requestFor{gpusFor(1), gpusFor(2), gpusFor(4), sliceFor(profile1g), sliceFor(profile3g), sliceFor(profile2g)}
	var rankings []*NodeRanking
	for _, request := range requests {
		rankings = append(rankings, s.Rank(s.ByInventory(request), placement.KeepPlaceable{}))
	}
	for step := range 3_000 {
		if step%500 == 499 {
			s.renumberClasses()
		}
		if len(pods) > 0 && random.Intn(5) < 2 {
			at := random.Intn(len(pods))
			s.ReleaseHolder(pods[at].node, pods[at].holder)
			pods = slices.Delete(pods, at, at+1)
			continue
		}
		asked := random.Intn(len(requests))
		wantNode, want := -1, placement.Rating{}
		for node := range s.Len() {
			inv := s.Node(node).Inventory
			v := placement.Place(inv, s.NodeState(node).GPUs(), requests[asked](inv), placement.KeepPlaceable{})
			if v.Outcome == placement.Fits && (wantNode < 0 || v.Rating.Better(want)) {
				wantNode, want = node, v.Rating
			}
		}
		got, found := rankings[asked].Best(topology.HostResources{}, nil)
		if found != (wantNode >= 0) || found && (got.Node != wantNode || got.Rating != want) {
			t.Fatalf("step %d: got node %d (%t) rated %+v, want node %d rated %+v", step, got.Node, found, got.Rating, wantNode, want)
		}
		if !found {
			continue
		}
		holder := placement.HolderID(strconv.Itoa(step))
		if err := s.Allocate(got.Node, placement.Allocation{Holder: holder, Devices: got.Devices}); err != nil {
			t.Fatal(err)
		}
		pods = append(pods, running{got.Node, holder})
	}
	for _, pod := range pods {
		s.ReleaseHolder(pod.node, pod.holder)
	}
	for node := range s.Len() {
		if diff := cmp.Diff(placement.NewGPUStates(s.Node(node).Inventory), s.NodeState(node).GPUs()); diff != "" {
			t.Fatalf("node %d is not free again (-want +got):\n%s", node, diff)
		}
	}
}

// A pod may accept other devices on a node than on its twin, by a selector on what is no
// part of the inventory: the two then have answers of their own.
func TestAcceptanceKeySeparatesTwins(t *testing.T) {
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Name: "a", Inventory: inv}, {Name: "b", Inventory: inv}, {Name: "c", Inventory: inv}})
	request := oneGPUOf{inv, map[int]int{0: -1, 1: 2, 2: 2}} // none of a's GPUs, GPU 2 of the others
	ranking := s.Rank(request, placement.FirstFit{})
	if ranking.FitsOn(0) || !ranking.FitsOn(1) || !ranking.FitsOn(2) {
		t.Fatalf("fits on a, b, c: %t %t %t; want false true true", ranking.FitsOn(0), ranking.FitsOn(1), ranking.FitsOn(2))
	}
	best, found := ranking.Best(topology.HostResources{}, nil)
	if !found || best.Node != 1 || inv.Devices[best.Devices[0].Device].GPU != 2 {
		t.Errorf("got %+v, want GPU 2 of node 1", best)
	}
}

// oneGPUOf asks each node for one GPU by number, -1 for none.
type oneGPUOf struct {
	inventory *placement.Inventory
	gpu       map[int]int
}

func (r oneGPUOf) AcceptanceKey(node int) AcceptanceKey { return AcceptanceKey(r.gpu[node]) }

func (r oneGPUOf) RequestOn(node, preference int) *placement.Request {
	if preference > 0 {
		return nil
	}
	accepts := r.inventory.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.Whole && d.GPU == r.gpu[node] })
	return &placement.Request{Parts: []placement.Part{{Count: 1, Accepts: accepts}}}
}

// The forecast decides between nodes of equal bandwidth, and only between those.
func TestOrderOfNodes(t *testing.T) {
	base := NodeScore{Rating: placement.Rating{Bandwidth: 100, OpportunityCost: 50, Distance: 3}, ForecastCost: 10}
	with := func(change func(*NodeScore)) NodeScore {
		score := base
		change(&score)
		return score
	}
	for name, tc := range map[string]struct {
		better, worse NodeScore
	}{
		"more bandwidth, whatever else": {
			with(func(s *NodeScore) { s.Rating.Bandwidth, s.ForecastCost, s.Rating.OpportunityCost = 101, 99, 99 }), base,
		},
		"less forecast cost before the node's own": {
			with(func(s *NodeScore) { s.ForecastCost, s.Rating.OpportunityCost = 9, 99 }), base,
		},
		"less opportunity cost": {with(func(s *NodeScore) { s.Rating.OpportunityCost, s.Rating.Distance = 49, 9 }), base},
		"nearer":                {with(func(s *NodeScore) { s.Rating.Distance = 2 }), base},
	} {
		t.Run(name, func(t *testing.T) {
			if CompareNodes(tc.better, tc.worse) >= 0 || CompareNodes(tc.worse, tc.better) <= 0 {
				t.Errorf("%+v should come before %+v", tc.better, tc.worse)
			}
		})
	}
	if CompareNodes(base, base) != 0 {
		t.Error("equal scores must compare equal")
	}
}

// BenchmarkRanking is one request scored on 5,000 nodes of four makes, every GPU of
// which is held or not at random: some 800 different states.
func BenchmarkRanking(b *testing.B) {
	random := rand.New(rand.NewSource(1))
	s := NewSnapshot(nil)
	var inventories []*placement.Inventory
	for _, machine := range []string{"dgx-h100", "dgx-a100", "8xL40S-2socket-node", "dgx1-v100"} {
		inventories = append(inventories, inventoryOf(b, machine))
	}
	for n := range 5_000 {
		inv := inventories[n%len(inventories)]
		node := s.AddNode(Node{Inventory: inv})
		for i, device := range inv.Devices {
			if device.Form == placement.Whole && random.Intn(3) == 0 {
				if err := s.Allocate(node, placement.Allocation{Devices: []placement.DeviceAllocation{{Device: i}}}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	request := s.ByInventory(gpusFor(4))
	b.Run("nodes=5000/asked=first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Rank(request, placement.KeepPlaceable{}).Best(topology.HostResources{}, nil)
		}
	})
	b.Run("nodes=5000/asked=again", func(b *testing.B) {
		ranking := s.Rank(request, placement.KeepPlaceable{})
		ranking.Best(topology.HostResources{}, nil)
		b.ReportAllocs()
		for b.Loop() {
			ranking.Best(topology.HostResources{}, nil)
		}
	})
}
