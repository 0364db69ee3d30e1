package placement

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Demand is what requests to come are expected to ask for: from a trace, from what
// was seen, or a stated prior. Weights are relative; only their ratios count.
type Demand struct {
	// GPUs[k] is the weight of the work in jobs on k whole GPUs.
	GPUs map[int]int64
	// Divided is the part of the demand, in percent of GPU time, that takes GPUs in
	// parts, as MIG instances or shares; 0 to 100.
	Divided int64
	// Profiles is the weight of MIG instances by profile. A profile that is not in
	// it has weight 0; with no profile at all, all have weight 1.
	Profiles map[mig.ProfileID]int64
	// Shares is the weight of shares by their size.
	Shares map[topology.Bytes]int64
}

// PriorDemand is the demand that is assumed when nothing is known: half of it on whole
// GPUs, with as much work on single GPUs as on pairs, quads and machines of eight,
// the other half on parts, every MIG profile equally often.
func PriorDemand() Demand {
	return Demand{GPUs: map[int]int64{1: 1, 2: 1, 4: 1, 8: 1}, Divided: 50}
}

// validateDemand refuses what no demand can be.
func (d Demand) validateDemand() error {
	if d.Divided < 0 || d.Divided > 100 {
		return fmt.Errorf("demand: %d percent in parts, want 0 to 100", d.Divided)
	}
	for size, weight := range d.GPUs {
		if size < 1 || weight < 0 {
			return fmt.Errorf("demand: weight %d for jobs on %d GPUs", weight, size)
		}
	}
	for id, weight := range d.Profiles {
		if weight < 0 {
			return fmt.Errorf("demand: weight %d for profile %d", weight, id)
		}
	}
	for bytes, weight := range d.Shares {
		if bytes < 1 || weight < 0 {
			return fmt.Errorf("demand: weight %d for shares of %s", weight, bytes)
		}
	}
	return nil
}

// profileWeight is the weight of a profile.
func (d Demand) profileWeight(id mig.ProfileID) int64 {
	if len(d.Profiles) == 0 {
		return 1
	}
	return d.Profiles[id]
}
