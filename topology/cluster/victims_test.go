package cluster

import (
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// byName orders holders by their names.
func byName(a, b placement.HolderID) int { return strings.Compare(string(a), string(b)) }

// held is a holder of whole GPUs on one node.
type held struct {
	node     int
	holder   placement.HolderID
	priority int64
	pinned   bool
	gpus     int
}

// snapshotWith is nodes of four A30 with holders of whole GPUs.
func snapshotWith(t *testing.T, nodes int, holders ...held) *Snapshot {
	t.Helper()
	inv := inventoryOf(t, "4xA30-pcie")
	s := NewSnapshot(slices.Repeat([]Node{{Inventory: inv}}, nodes))
	for _, h := range holders {
		verdict := placement.Place(inv, s.NodeState(h.node).GPUs(), gpusFor(h.gpus)(inv), placement.FirstFit{})
		a := placement.Allocation{Holder: h.holder, Priority: h.priority, Pinned: h.pinned, Devices: verdict.Devices}
		if err := s.Allocate(h.node, a); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestSelectVictims(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes   int
		holders []held
		gpus    int
		want    []placement.HolderID
	}{
		"one holder that has enough, not several that have": {
			2, []held{{0, "a", 1, false, 1}, {0, "b", 1, false, 1}, {0, "c", 1, false, 2}, {1, "d", 1, false, 4}}, 4, []placement.HolderID{"d"},
		},
		"two that are enough": {
			1, []held{{0, "a", 1, false, 1}, {0, "b", 1, false, 1}, {0, "c", 1, false, 2}}, 3, []placement.HolderID{"a", "c"},
		},
		"only those below":     {1, []held{{0, "a", 9, false, 2}, {0, "b", 1, false, 2}}, 2, []placement.HolderID{"b"}},
		"none that is pinned":  {1, []held{{0, "a", 1, true, 2}, {0, "b", 1, false, 2}}, 2, []placement.HolderID{"b"}},
		"none if it is no use": {1, []held{{0, "a", 9, false, 2}, {0, "b", 1, false, 2}}, 4, nil},
		"the cheapest of equally many": {
			2, []held{{0, "b", 1, false, 4}, {1, "a", 1, false, 4}}, 4, []placement.HolderID{"a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshotWith(t, tc.nodes, tc.holders...)
			before := stateOf(s)
			ranking := s.Rank(s.ByInventory(gpusFor(tc.gpus)), placement.FirstFit{})
			got := s.SelectVictims(&Preemptor{Ranking: ranking, Priority: 5, Cheaper: byName})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("victims (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, stateOf(s)); diff != "" {
				t.Errorf("looking for victims changed the snapshot (-before +after):\n%s", diff)
			}
		})
	}
}

// Every victim is needed: with any one of them spared the pod does not fit. Where up to
// two holders are enough, no more are ended.
func TestEveryVictimIsNeeded(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	found := 0
	for range 300 {
		var holders []held
		for node := range 3 {
			for free := 4; free > 0; {
				gpus := 1 + random.Intn(free)
				holders = append(holders, held{node, placement.HolderID(strconv.Itoa(len(holders))), int64(random.Intn(8)), random.Intn(8) == 0, gpus})
				free -= gpus
			}
		}
		s := snapshotWith(t, 3, holders...)
		ranking := s.Rank(s.ByInventory(gpusFor(1+random.Intn(4))), placement.FirstFit{})
		fitsAnywhereWithout := func(gone []placement.HolderID) bool {
			s.Fork()
			defer s.Revert()
			for node := range s.Len() {
				for _, holder := range gone {
					s.ReleaseHolder(node, holder)
				}
			}
			return ranking.FitsOn(0) || ranking.FitsOn(1) || ranking.FitsOn(2)
		}
		victims := s.SelectVictims(&Preemptor{Ranking: ranking, Priority: 5, Cheaper: byName})
		if victims == nil {
			continue
		}
		found++
		if !fitsAnywhereWithout(victims) {
			t.Fatalf("ending %v of %v does not help", victims, holders)
		}
		for i := range victims {
			if spared := slices.Delete(slices.Clone(victims), i, i+1); fitsAnywhereWithout(spared) {
				t.Fatalf("%v are ended, but %v would do", victims, spared)
			}
		}
	}
	if found < 100 {
		t.Errorf("victims in only %d of 300 clusters: the test says little", found)
	}
}

func TestSelectGroupVictims(t *testing.T) {
	s := snapshotWith(t, 2, held{0, "a", 1, false, 4}, held{1, "a", 1, false, 1}, held{1, "b", 2, false, 3})
	group := groupOf(s, gpusFor(4), gpusFor(1))
	preemptor := &Preemptor{Priority: 5, Cheaper: byName}
	fits := func() bool {
		_, outcome := s.PlaceGroup(group)
		return outcome == placement.Fits
	}
	// One holder has something of both nodes: ending it makes room on both.
	if diff := cmp.Diff([]placement.HolderID{"a"}, s.SelectGroupVictims(preemptor, fits)); diff != "" {
		t.Errorf("victims (-want +got):\n%s", diff)
	}
	group = groupOf(s, gpusFor(4), gpusFor(4), gpusFor(1))
	if victims := s.SelectGroupVictims(preemptor, fits); victims != nil {
		t.Errorf("nine GPUs on eight by ending %v", victims)
	}
}
