package mig_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// at is an instance of a profile of the H100 table at a start.
func at(id mig.ProfileID, start int64) mig.Instance {
	size := map[mig.ProfileID]int64{19: 1, 20: 1, 15: 2, 14: 2, 9: 4, 5: 4, 0: 8}[id]
	return mig.Instance{Profile: id, Placement: mig.Placement{Start: start, Size: size}}
}

func TestLegal(t *testing.T) {
	tests := map[string]struct {
		instances []mig.Instance
		want      string // error, "" if legal
	}{
		"nothing":              {},
		"the whole GPU":        {instances: []mig.Instance{at(0, 0)}},
		"4g, 2g and 1g":        {instances: []mig.Instance{at(5, 0), at(14, 4), at(19, 6)}},
		"3g high, 2g twice":    {instances: []mig.Instance{at(9, 4), at(14, 0), at(14, 2)}},
		"3g high, then 4g":     {instances: []mig.Instance{at(9, 4), at(5, 0)}},
		"four times 1g double": {instances: []mig.Instance{at(15, 0), at(15, 2), at(15, 4), at(15, 6)}},

		"3g low, then 4g": {
			instances: []mig.Instance{at(9, 0), at(5, 0)},
			want:      "4g.40gb at 0:4 overlaps 3g.40gb at 0:4",
		},
		"4g beside 3g low": {
			instances: []mig.Instance{at(9, 0), at(5, 4)},
			want:      "4g.40gb cannot be at 4:4: its placements are 0:4",
		},
		"1g low blocks 4g": {
			instances: []mig.Instance{at(19, 0), at(5, 0)},
			want:      "4g.40gb at 0:4 overlaps 1g.10gb at 0:1",
		},
		"1g low blocks 7g": {
			instances: []mig.Instance{at(19, 0), at(0, 0)},
			want:      "7g.80gb at 0:8 overlaps 1g.10gb at 0:1",
		},
		"1g low blocks 3g low": {
			instances: []mig.Instance{at(19, 0), at(9, 0)},
			want:      "3g.40gb at 0:4 overlaps 1g.10gb at 0:1",
		},
		"1g at slice 7": {
			instances: []mig.Instance{at(19, 7)},
			want:      "1g.10gb cannot be at 7:1: its placements are 0:1, 1:1, 2:1, 3:1, 4:1, 5:1, 6:1",
		},
		"wrong size": {
			instances: []mig.Instance{{Profile: 14, Placement: mig.Placement{Start: 0, Size: 3}}},
			want:      "2g.20gb cannot be at 0:3: its placements are 0:2, 2:2, 4:2",
		},
		"negative placement": {
			instances: []mig.Instance{{Profile: 14, Placement: mig.Placement{Start: -1, Size: -2}}},
			want:      "2g.20gb cannot be at -1:-2: its placements are 0:2, 2:2, 4:2",
		},
		"two media extensions": {
			instances: []mig.Instance{at(20, 0), at(20, 3)},
			want:      "1g.10gb+me at 3:1 needs more OFA engines than are left: 1 of 1 are taken",
		},
		"a profile of another GPU": {
			instances: []mig.Instance{{Profile: 65}},
			want:      "H100-80GB has no MIG profile 65",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := table(t, "H100-80GB").Legal(tc.instances)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// Sets that fit by the number of slices and yet cannot exist, wherever their
// instances are put.
func TestIllegalButEnoughSlices(t *testing.T) {
	tests := map[string]struct {
		placed []mig.Instance
		then   []mig.ProfileID
	}{
		"3g at 0, 4g":                  {placed: []mig.Instance{at(9, 0)}, then: []mig.ProfileID{5}},
		"1g double four times, 1g":     {placed: []mig.Instance{at(15, 0), at(15, 2), at(15, 4), at(15, 6)}, then: []mig.ProfileID{19}},
		"1g at 0, 4g":                  {placed: []mig.Instance{at(19, 0)}, then: []mig.ProfileID{5}},
		"1g at 0, 7g":                  {placed: []mig.Instance{at(19, 0)}, then: []mig.ProfileID{0}},
		"3g at 0, 2g twice":            {placed: []mig.Instance{at(9, 0)}, then: []mig.ProfileID{14, 14}},
		"2g at 0, 4g":                  {placed: []mig.Instance{at(14, 0)}, then: []mig.ProfileID{5}},
		"1g on both sides, 3g":         {placed: []mig.Instance{at(19, 0), at(19, 6)}, then: []mig.ProfileID{9}},
		"media extension twice":        {placed: []mig.Instance{at(20, 6)}, then: []mig.ProfileID{20}},
		"1g double at 6, 3g, 4g":       {placed: []mig.Instance{at(15, 6)}, then: []mig.ProfileID{9, 5}},
		"3g at 4, 2g three times":      {placed: []mig.Instance{at(9, 4)}, then: []mig.ProfileID{14, 14, 14}},
		"everything placed, 1g double": {placed: []mig.Instance{at(0, 0)}, then: []mig.ProfileID{15}},
	}
	h100 := table(t, "H100-80GB")
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if err := h100.Legal(tc.placed); err != nil {
				t.Fatalf("the start is illegal already: %v", err)
			}
			if complete(h100, tc.placed, tc.then) {
				t.Error("placements exist, want none")
			}
		})
	}
}

// complete reports whether the profiles can be added to the instances somehow.
func complete(table *mig.Table, instances []mig.Instance, profiles []mig.ProfileID) bool {
	if len(profiles) == 0 {
		return true
	}
	p, _ := table.Profile(profiles[0])
	for _, pl := range p.Placements {
		more := append(instances[:len(instances):len(instances)], mig.Instance{Profile: p.ID, Placement: pl})
		if table.Legal(more) == nil && complete(table, more, profiles[1:]) {
			return true
		}
	}
	return false
}
