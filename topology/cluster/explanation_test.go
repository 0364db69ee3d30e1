package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestExplain(t *testing.T) {
	v100, a30 := inventoryOf(t, "dgx1-v100"), inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Inventory: a30}, {Inventory: a30}, {Inventory: v100}, {}})
	hold := func(node, gpus int, holder placement.HolderID) {
		inv := s.Node(node).Inventory
		verdict := placement.Place(inv, s.NodeState(node).GPUs(), gpusFor(gpus)(inv), placement.FirstFit{})
		if err := s.Allocate(node, placement.Allocation{Holder: holder, Devices: verdict.Devices}); err != nil {
			t.Fatal(err)
		}
	}
	hold(0, 1, "a")
	hold(1, 1, "b")
	hold(2, 5, "c")
	ranking := s.Rank(s.ByInventory(gpusFor(4)), placement.KeepPlaceable{})
	all := []int{0, 1, 2, 3}

	got := ranking.Explain(all, ExplainLimit{})
	want := &Explanation{
		Refusals: []NodeRefusal{{
			Reason: placement.Reason{Code: placement.GPUsBusy, Part: 0, Want: 4, Have: 3, Total: 4}, Nodes: []int{0, 1, 2},
			Most:      placement.Reason{Code: placement.GPUsBusy, Part: 0, Want: 4, Have: 3, Total: 4},
			MostTotal: placement.Reason{Code: placement.GPUsBusy, Part: 0, Want: 4, Have: 3, Total: 8}, MostTotalNode: 2,
			GPUs: placement.DiagnoseGPUs(a30, s.NodeState(0).GPUs(), &gpusFor(4)(a30).Parts[0]),
		}},
		Suggestions: []NodeSuggestion{
			{Node: 0, Suggestion: placement.Suggestion{Kind: placement.FewerGPUs, Count: 3}},
			{Node: 0, Suggestion: placement.Suggestion{Kind: placement.FreeGPUs, Part: -1, GPUs: 1, Holders: []placement.HolderID{"a"}}},
		},
		Complete: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}

	// Nodes 0 and 1 are of one class: two classes are all there is.
	if got := ranking.Explain(all, ExplainLimit{Classes: 2}); !got.Complete {
		t.Error("two classes were allowed and are all, but the explanation is not complete")
	}
	if got := ranking.Explain(all, ExplainLimit{Classes: 1}); got.Complete || len(got.Refusals[0].Nodes) != 2 {
		t.Errorf("with one class: %+v, want nodes 0 and 1, not complete", got)
	}
	if got := ranking.Explain(all, ExplainLimit{Stop: func() bool { return true }}); got.Complete || len(got.Refusals) != 0 {
		t.Errorf("stopped at once: %+v, want nothing, not complete", got)
	}

	s.ReleaseHolder(1, "b")
	if got := ranking.Explain(all, ExplainLimit{}); !cmp.Equal([]int{1}, got.FitsAlready) || got.Suggestions != nil {
		t.Errorf("once node 1 is free: %+v, want that it fits there, and no change", got)
	}
}

// Each reason says why every single GPU of its first node is no use.
func TestExplainLooksAtEveryGPU(t *testing.T) {
	a30 := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot([]Node{{Inventory: a30}})
	verdict := placement.Place(a30, s.NodeState(0).GPUs(), gpusFor(2)(a30), placement.FirstFit{})
	if err := s.Allocate(0, placement.Allocation{Holder: "a", Devices: verdict.Devices}); err != nil {
		t.Fatal(err)
	}
	got := s.Rank(s.ByInventory(gpusFor(3)), placement.FirstFit{}).Explain([]int{0}, ExplainLimit{})
	var obstacles []placement.Obstacle
	for _, gpu := range got.Refusals[0].GPUs {
		obstacles = append(obstacles, gpu.Obstacle)
	}
	want := []placement.Obstacle{placement.HeldWhole, placement.HeldWhole, placement.NoObstacle, placement.NoObstacle}
	if diff := cmp.Diff(want, obstacles); diff != "" {
		t.Errorf("obstacles (-want +got):\n%s", diff)
	}
}
