package scenario

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// demandScale makes whole weights of fractions.
const demandScale = 1000

// expectedDemand is what the workloads ask for. Model servers, whose form is open, are left
// out.
func (b *inputBuilder) expectedDemand() placement.Demand {
	d := placement.Demand{GPUs: map[int]int64{}, Profiles: map[mig.ProfileID]int64{}, Shares: map[topology.Bytes]int64{}}
	whole, parts := 0.0, 0.0
	for i := range b.Workloads {
		for k := range b.Workloads[i].Requests {
			r := &b.Workloads[i].Requests[k]
			weight := r.weightOrOne()
			scaled := max(1, int64(math.Min(weight*demandScale, 1e12)))
			switch {
			case r.GPUs > 0:
				d.GPUs[int(r.GPUs)] += scaled * r.GPUs
				whole += weight * float64(r.GPUs)
			case r.MIG != "":
				if id, memory, found := b.profileNamed(r.MIG); found {
					d.Profiles[id] += scaled
					parts += weight * memory
				}
			case r.Share != nil && r.Share.Memory > 0:
				d.Shares[topology.RoundShare(topology.Bytes(r.Share.Memory))] += scaled
				parts += weight / 2
			case r.Share != nil:
				// Of which GPU the part is depends on the node: 24 GiB stands for all.
				d.Shares[topology.Bytes(r.Share.Part)*24*topology.GiB/1000] += scaled
				parts += weight * float64(r.Share.Part) / 1000
			}
		}
	}
	if whole+parts == 0 {
		return placement.PriorDemand()
	}
	d.Divided = int64(math.Round(100 * parts / (whole + parts)))
	return d
}

// profileNamed finds a profile on the first GPU that has it, and which part of that it
// takes.
func (b *inputBuilder) profileNamed(name string) (mig.ProfileID, float64, bool) {
	for _, key := range b.catalogue.Tables() {
		table, err := b.catalogue.MIG(key)
		if err != nil {
			continue
		}
		for i := range table.Profiles {
			if p := &table.Profiles[i]; p.Name == name {
				return p.ID, float64(p.MemorySlices) / float64(table.MemorySlices), true
			}
		}
	}
	return 0, 0, false
}
