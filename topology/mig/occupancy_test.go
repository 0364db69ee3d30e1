package mig_test

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/mig/migtest"
)

var allTables = append([]string{"A30-24GB", "RTXPRO6000-96GB"}, sevenSlice...)

// legalSlowly is the rule of the MIG user guide, taken literally: listed starts,
// one owner per slice, and no more of anything than the GPU has. It also checks
// compute slices and the maximum per profile, which the package claims never
// bind.
func legalSlowly(table *mig.Table, instances []mig.Instance) bool {
	owned := map[int64]bool{}
	used := map[string]int64{}
	count := map[mig.ProfileID]int64{}
	for _, instance := range instances {
		var profile *mig.Profile
		for i := range table.Profiles {
			if table.Profiles[i].ID == instance.Profile {
				profile = &table.Profiles[i]
			}
		}
		if profile == nil || !slices.Contains(profile.Placements, instance.Placement) {
			return false
		}
		for i := range instance.Placement.Size {
			slice := instance.Placement.Start + i
			if slice >= table.MemorySlices || owned[slice] {
				return false
			}
			owned[slice] = true
		}
		count[profile.ID]++
		if count[profile.ID] > profile.Max {
			return false
		}
		used["compute"] += profile.ComputeSlices
		used["decoders"] += profile.Media.Decoders
		used["encoders"] += profile.Media.Encoders
		used["jpeg"] += profile.Media.JPEG
		used["ofa"] += profile.Media.OFA
	}
	return used["compute"] <= table.ComputeSlices &&
		used["decoders"] <= table.Media.Decoders && used["encoders"] <= table.Media.Encoders &&
		used["jpeg"] <= table.Media.JPEG && used["ofa"] <= table.Media.OFA
}

func TestRandomPlaceAndRelease(t *testing.T) {
	const steps = 400
	for _, key := range allTables {
		t.Run(key, func(t *testing.T) {
			gpu := table(t, key)
			random := rand.New(rand.NewSource(1))
			var state []mig.Instance
			var o mig.Occupancy
			for range steps {
				placeable := int64(0)
				var possible []mig.Instance
				for i := range gpu.Profiles {
					p := &gpu.Profiles[i]
					for start := int64(-1); start <= gpu.MemorySlices; start++ {
						pl := mig.Placement{Start: start, Size: p.MemorySlices}
						instance := mig.Instance{Profile: p.ID, Placement: pl}
						more := append(slices.Clone(state), instance)
						want := legalSlowly(gpu, more)
						if got := gpu.CanPlace(o, p, pl); got != want {
							t.Fatalf("CanPlace(%s at %s) beside %v: got %v, want %v", p.Name, pl, state, got, want)
						}
						if err := gpu.Legal(more); (err == nil) != want {
							t.Fatalf("Legal(%v): got %v, want legal %v", more, err, want)
						}
						if want {
							placeable++
							possible = append(possible, instance)
						}
					}
				}
				if got := gpu.Placeable(o); got != placeable {
					t.Fatalf("Placeable beside %v: got %d, want %d", state, got, placeable)
				}
				if len(possible) > 0 && (len(state) == 0 || random.Intn(3) > 0) {
					instance := possible[random.Intn(len(possible))]
					p, _ := gpu.Profile(instance.Profile)
					placed := o.Place(p, instance.Placement)
					if back := placed.Release(p, instance.Placement); back != o {
						t.Fatalf("Release after Place: got %+v, want %+v", back, o)
					}
					o, state = placed, append(state, instance)
				} else {
					i := random.Intn(len(state))
					p, _ := gpu.Profile(state[i].Profile)
					o = o.Release(p, state[i].Placement)
					state = slices.Delete(state, i, i+1)
				}
				if occupied, err := gpu.Occupied(state); err != nil || occupied != o {
					t.Fatalf("Occupied(%v): got %+v, %v, want %+v", state, occupied, err, o)
				}
			}
		})
	}
}

// Compute slices and the maximum per profile never bind: every state agrees with
// the literal rule. RTX PRO 6000 has too many states for its whole list.
func TestEveryStateIsLegal(t *testing.T) {
	for _, key := range allTables {
		gpu := table(t, key)
		var profiles []mig.ProfileID
		for _, p := range gpu.Profiles[:min(len(gpu.Profiles), 7)] {
			profiles = append(profiles, p.ID)
		}
		for state := range migtest.LegalStates(gpu, profiles) {
			if !legalSlowly(gpu, state) {
				t.Fatalf("%s: %v is not legal", key, state)
			}
		}
	}
}

func TestFull(t *testing.T) {
	for _, key := range allTables {
		gpu := table(t, key)
		if got := gpu.Placeable(gpu.Full()); got != 0 {
			t.Errorf("%s: %d placements on a full GPU, want 0", key, got)
		}
		if gpu.Placeable(mig.Occupancy{}) == 0 {
			t.Errorf("%s: nothing fits on an empty GPU", key)
		}
	}
}

func TestPlaceable(t *testing.T) {
	// 7 1g, 7 1g+me, 4 1g double, 3 2g, 2 3g, 4g and 7g on an empty H100.
	h100 := table(t, "H100-80GB")
	tests := map[string]struct {
		placed []mig.Instance
		want   int64
	}{
		"empty": {want: 25},
		// Lost: 1g and 1g+me at 6, the double at 6, 3g at 4, 7g.
		"1g at 6": {placed: []mig.Instance{at(19, 6)}, want: 20},
		// Lost: 1g and 1g+me at 0, the double and 2g at 0, 3g at 0, 4g, 7g.
		"1g at 0": {placed: []mig.Instance{at(19, 0)}, want: 18},
		// As 1g at 6, and all of 1g+me: 20 - 6.
		"1g+me at 6": {placed: []mig.Instance{at(20, 6)}, want: 14},
		"7g":         {placed: []mig.Instance{at(0, 0)}, want: 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := h100.Occupied(tc.placed)
			if err != nil {
				t.Fatal(err)
			}
			if got := h100.Placeable(o); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func BenchmarkPlaceable(b *testing.B) {
	for _, key := range []string{"H100-80GB", "RTXPRO6000-96GB"} {
		b.Run("gpu="+key, func(b *testing.B) {
			gpu := table(b, key)
			o := mig.Occupancy{Slices: 1}
			b.ReportAllocs()
			for b.Loop() {
				gpu.Placeable(o)
			}
		})
	}
}

func TestPlaceableDoesNotAllocate(t *testing.T) {
	gpu := table(t, "H100-80GB")
	if allocations := testing.AllocsPerRun(100, func() { gpu.Placeable(mig.Occupancy{Slices: 2}) }); allocations != 0 {
		t.Errorf("%v allocations, want 0", allocations)
	}
}
