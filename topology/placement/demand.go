package placement

import "github.com/ashlar-dev/ashlar/topology/mig"

// Demand is what requests to come are expected to ask for: from a trace, from what
// was seen, or a stated prior. Weights are relative; only their ratios count.
type Demand struct {
	// GPUs[k] is the weight of jobs on k whole GPUs.
	GPUs map[int]int64
	// Profiles is the weight of MIG instances by profile. A profile that is not in
	// it has weight 0; with no profile at all, all have weight 1.
	Profiles map[mig.ProfileID]int64
}

// Prior is the demand that is assumed when nothing is known: as much work on single
// GPUs as on pairs, quads and whole machines of eight, and every MIG profile
// equally often.
func Prior() Demand {
	return Demand{GPUs: map[int]int64{1: 8, 2: 4, 4: 2, 8: 1}}
}

// profileWeight is the weight of a profile.
func (d Demand) profileWeight(id mig.ProfileID) int64 {
	if len(d.Profiles) == 0 {
		return 1
	}
	return d.Profiles[id]
}
