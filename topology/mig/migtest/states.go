package migtest

import (
	"iter"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// LegalStates enumerates the legal states of a GPU: every set of instances of the given
// profiles that can exist together, the empty one first, each set once. The slice that
// it yields is reused, so clone it to keep it. Profiles that t does not have and
// repeated ones add nothing.
//
// The time is proportional to the number of states times that of placements: for all
// profiles of an H100, 2,319 times 25.
func LegalStates(t *mig.Table, profiles []mig.ProfileID) iter.Seq[[]mig.Instance] {
	return func(yield func([]mig.Instance) bool) {
		w := &stateWalk{table: t, yield: yield}
		for i := range t.Profiles {
			if slices.Contains(profiles, t.Profiles[i].ID) {
				w.profiles = append(w.profiles, &t.Profiles[i])
			}
		}
		w.visitFrom(0, 0, mig.Occupancy{})
	}
}

// stateWalk walks the sets of instances depth first, in the order of profiles and their
// placements.
type stateWalk struct {
	table    *mig.Table
	profiles []*mig.Profile
	state    []mig.Instance
	yield    func([]mig.Instance) bool
}

// visitFrom yields the current state and then those that add an instance of
// profiles[profile], from its given placement on, or of a later profile. It reports
// false when yield has stopped it.
func (w *stateWalk) visitFrom(profile, placement int, o mig.Occupancy) bool {
	if !w.yield(w.state) {
		return false
	}
	for ; profile < len(w.profiles); profile, placement = profile+1, 0 {
		p := w.profiles[profile]
		for i := placement; i < len(p.Placements); i++ {
			if !w.table.CanPlace(o, p, p.Placements[i]) {
				continue
			}
			w.state = append(w.state, mig.Instance{Profile: p.ID, Placement: p.Placements[i]})
			proceed := w.visitFrom(profile, i+1, o.Place(p, p.Placements[i]))
			w.state = w.state[:len(w.state)-1]
			if !proceed {
				return false
			}
		}
	}
	return true
}
