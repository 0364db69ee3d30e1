package mig_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/mig/migtest"
)

// sevenSlice are the tables of the 7-slice family.
var sevenSlice = []string{
	"A100-40GB", "A100-80GB", "H100-80GB", "H100-NVL-94GB", "H20-96GB", "GH200-96GB", "GH200-144GB",
	"H200-141GB", "B200-180GB", "GB200-186GB", "B300-269GB", "GB300-278GB",
}

func table(tb testing.TB, key string) *mig.Table {
	tb.Helper()
	t, err := catalogue.Default().MIG(key)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestCount(t *testing.T) {
	tests := map[string]struct {
		tables   []string
		profiles []mig.ProfileID
		want     mig.Counts
	}{
		"7 slices": {
			tables:   sevenSlice,
			profiles: []mig.ProfileID{19, 14, 9, 5, 0},
			want:     mig.Counts{Legal: 298, Multisets: 38, Full: 19, FullMultisets: 14},
		},
		"7 slices and double memory": {
			tables:   sevenSlice,
			profiles: []mig.ProfileID{19, 15, 14, 9, 5, 0},
			want:     mig.Counts{Legal: 723, Multisets: 78, Full: 78, FullMultisets: 38},
		},
		"7 slices, all": {
			tables:   sevenSlice,
			profiles: []mig.ProfileID{19, 20, 15, 14, 9, 5, 0},
			want:     mig.Counts{Legal: 2319, Multisets: 128, Full: 239, FullMultisets: 64},
		},
		"A30": {
			tables:   []string{"A30-24GB"},
			profiles: []mig.ProfileID{14, 5, 0},
			want:     mig.Counts{Legal: 26, Multisets: 10, Full: 5, FullMultisets: 4},
		},
		"A30, all": {
			tables:   []string{"A30-24GB"},
			profiles: []mig.ProfileID{14, 21, 5, 6, 0},
			want:     mig.Counts{Legal: 76, Multisets: 20, Full: 17, FullMultisets: 8},
		},
		"RTX PRO 6000": {
			tables:   []string{"RTXPRO6000-96GB"},
			profiles: []mig.ProfileID{14, 5, 0},
			want:     mig.Counts{Legal: 26, Multisets: 10, Full: 5, FullMultisets: 4},
		},
		"order, repeats and unknown ids do not matter": {
			tables:   []string{"A30-24GB"},
			profiles: []mig.ProfileID{0, 14, 99, 5, 14},
			want:     mig.Counts{Legal: 26, Multisets: 10, Full: 5, FullMultisets: 4},
		},
		"no profiles: the empty state, which is full": {
			tables: []string{"A30-24GB"},
			want:   mig.Counts{Legal: 1, Multisets: 1, Full: 1, FullMultisets: 1},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, key := range tc.tables {
				if got := mig.Count(table(t, key), tc.profiles); got != tc.want {
					t.Errorf("%s: got %+v, want %+v", key, got, tc.want)
				}
			}
		})
	}
}

// The 19 full configurations of the 7-slice family: a left half 4g, 3g or any mix
// of 2g and 1g, times a right half 3g, 2g with 1g or three 1g; and 7g.
func TestFullStatesOfSevenSlices(t *testing.T) {
	want := strings.Fields(`
		1g@0,1g@1,1g@2,1g@3,1g@4,1g@5,1g@6  1g@0,1g@1,1g@2,1g@3,2g@4,1g@6  1g@0,1g@1,1g@2,1g@3,3g@4
		1g@0,1g@1,2g@2,1g@4,1g@5,1g@6       1g@0,1g@1,2g@2,2g@4,1g@6       1g@0,1g@1,2g@2,3g@4
		2g@0,1g@2,1g@3,1g@4,1g@5,1g@6       2g@0,1g@2,1g@3,2g@4,1g@6       2g@0,1g@2,1g@3,3g@4
		2g@0,2g@2,1g@4,1g@5,1g@6            2g@0,2g@2,2g@4,1g@6            2g@0,2g@2,3g@4
		3g@0,1g@4,1g@5,1g@6                 3g@0,2g@4,1g@6                 3g@0,3g@4
		4g@0,1g@4,1g@5,1g@6                 4g@0,2g@4,1g@6                 4g@0,3g@4
		7g@0`)
	got := fullStates(t, table(t, "H100-80GB"), []mig.ProfileID{19, 14, 9, 5, 0})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}

	// How many of the 19 stay reachable after one placement on an empty GPU.
	reachable := map[string]int{
		"1g@0": 6, "1g@1": 6, "1g@2": 6, "1g@3": 6, "1g@4": 6, "1g@5": 6, "1g@6": 12,
		"2g@0": 6, "2g@2": 6, "2g@4": 6, "3g@0": 3, "3g@4": 6, "4g@0": 3, "7g@0": 1,
	}
	for placement, want := range reachable {
		count := 0
		for _, state := range got {
			if slices.Contains(strings.Split(state, ","), placement) {
				count++
			}
		}
		if count != want {
			t.Errorf("%s: %d full states reachable, want %d", placement, count, want)
		}
	}
}

// fullStates lists the states that t's own counters call full, as "2g@0,1g@2",
// sorted by start.
func fullStates(t *testing.T, table *mig.Table, profiles []mig.ProfileID) []string {
	t.Helper()
	var full []string
	for state := range migtest.LegalStates(table, profiles) {
		o, err := table.Occupied(state)
		if err != nil {
			t.Fatalf("LegalStates yields %v: %v", state, err)
		}
		if placeable(table, o, profiles) == 0 {
			byStart := slices.Clone(state)
			slices.SortFunc(byStart, func(a, b mig.Instance) int { return int(a.Placement.Start - b.Placement.Start) })
			var words []string
			for _, instance := range byStart {
				p, _ := table.Profile(instance.Profile)
				words = append(words, fmt.Sprintf("%dg@%d", p.ComputeSlices, instance.Placement.Start))
			}
			full = append(full, strings.Join(words, ","))
		}
	}
	return full
}

// placeable counts like Table.Placeable, for some profiles only.
func placeable(table *mig.Table, o mig.Occupancy, profiles []mig.ProfileID) int64 {
	count := int64(0)
	for _, id := range profiles {
		p, _ := table.Profile(id)
		for _, pl := range p.Placements {
			if table.CanPlace(o, p, pl) {
				count++
			}
		}
	}
	return count
}

func BenchmarkCount(b *testing.B) {
	h100 := table(b, "H100-80GB")
	for b.Loop() {
		mig.Count(h100, []mig.ProfileID{19, 20, 15, 14, 9, 5, 0})
	}
}
