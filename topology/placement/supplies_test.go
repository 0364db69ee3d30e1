package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Adapters beside the GPUs of a DGX H100, whose GPUs 0 to 3 are on NUMA node 0 and 4 to 7 on
// node 1, are tied to requests for GPUs by the NUMA node.
func TestPlaceWithSupplies(t *testing.T) {
	for name, tc := range map[string]struct {
		busy     []int
		counts   []int     // GPUs of each part
		draws    []int64   // adapters beside each part
		supplies [][]int64 // adapters by NUMA node
		want     []int
		wantCode ReasonCode
	}{
		"beside the only adapter": {counts: []int{1}, draws: []int64{1}, supplies: [][]int64{{0, 1}}, want: []int{4}},
		"a pair beside it":        {counts: []int{2}, draws: []int64{1}, supplies: [][]int64{{0, 1}}, want: []int{4, 5}},
		"two parts share one":     {counts: []int{1, 1}, draws: []int64{1, 1}, supplies: [][]int64{{1, 1}}, want: []int{0, 4}},
		"two parts at two":        {counts: []int{1, 1}, draws: []int64{1, 1}, supplies: [][]int64{{2, 0}}, want: []int{0, 1}},
		"enough of them":          {counts: []int{1}, draws: []int64{2}, supplies: [][]int64{{1, 2}}, want: []int{4}},
		"one for two":             {counts: []int{1, 1}, draws: []int64{1, 1}, supplies: [][]int64{{1}}, wantCode: Unsupplied},
		"none at the GPUs that are free": {
			busy: []int{4, 5, 6, 7}, counts: []int{1}, draws: []int64{1}, supplies: [][]int64{{0, 1}}, wantCode: Unsupplied,
		},
		"no GPUs, whatever the adapters": {counts: []int{9}, draws: []int64{1}, supplies: [][]int64{{0, 1}}, wantCode: GPUsBusy},
		"a value that no adapter has":    {counts: []int{1}, draws: []int64{1}, supplies: [][]int64{{}}, wantCode: Unsupplied},
		"two kinds at different NUMA nodes": {
			counts: []int{1}, draws: []int64{1}, supplies: [][]int64{{1, 0}, {0, 1}}, wantCode: Unsupplied,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventoryOf(t, "dgx-h100")
			state := NewGPUStates(inv)
			for _, gpu := range tc.busy {
				state[gpu].Whole = true
			}
			request := &Request{Supplies: tc.supplies}
			for part, count := range tc.counts {
				request.Parts = append(request.Parts, wholeGPUs(inv, count).Parts[0])
				constraint := Constraint{Parts: []int{part}}
				for i := range inv.Devices {
					constraint.Values = append(constraint.Values, inv.Node.GPUs[inv.Devices[i].GPU].NUMA)
				}
				for supply := range tc.supplies {
					constraint.Draws = append(constraint.Draws, SupplyDraw{Supply: supply, Count: tc.draws[part]})
				}
				request.Constraints = append(request.Constraints, constraint)
			}
			verdict := Place(inv, state, request, KeepPlaceable{})
			if tc.wantCode != "" {
				if verdict.Outcome != Refused || verdict.Reasons[0].Code != tc.wantCode {
					t.Fatalf("%v for %v, want a refusal for %s", verdict.Outcome, verdict.Reasons, tc.wantCode)
				}
				return
			}
			if diff := cmp.Diff(tc.want, gpusOf(inv, verdict)); diff != "" {
				t.Errorf("GPUs (-want +got):\n%s", diff)
			}
		})
	}
}

// A value that did not serve is not proposed again.
func TestExcludeValues(t *testing.T) {
	inv := inventoryOf(t, "dgx-h100")
	request := wholeGPUs(inv, 1)
	constraint := Constraint{Parts: []int{0}, Draws: []SupplyDraw{{Count: 1}}}
	for i := range inv.Devices {
		constraint.Values = append(constraint.Values, inv.Node.GPUs[inv.Devices[i].GPU].NUMA)
	}
	request.Constraints, request.Supplies = []Constraint{constraint}, [][]int64{{1, 1}}
	var got [][]int
	for range 3 {
		verdict := Place(inv, NewGPUStates(inv), request, KeepPlaceable{})
		got = append(got, gpusOf(inv, verdict))
		if excluded := request.ExcludeValues(verdict.Devices); excluded != (verdict.Outcome == Fits) {
			t.Errorf("ExcludeValues after %v: %t", verdict.Outcome, excluded)
		}
	}
	if diff := cmp.Diff([][]int{{0}, {4}, nil}, got); diff != "" {
		t.Errorf("GPUs (-want +got):\n%s", diff)
	}
}
