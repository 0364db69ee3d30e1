package simulator

import "github.com/ashlar-dev/ashlar/topology/placement"

// measureBandwidth notes which part of the best possible bandwidth a job on several
// GPUs of a node got: that of its slowest member.
func (e *simulationRun) measureBandwidth(job int) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	least := -1.0
	for i := range s.members {
		m := &s.members[i]
		if len(m.devices) < 2 {
			continue
		}
		inv := e.cluster.nodes[m.node].Inventory
		best := j.Best
		if best == 0 {
			best = e.bestOn(inv, j.Template)
		}
		if best == 0 || inv.Devices[m.devices[0].Device].Form != placement.Whole {
			continue
		}
		part := float64(inv.RingBandwidth(inv.GPUsOf(m.devices))) / float64(best)
		if least < 0 || part < least {
			least = part
		}
	}
	if least >= 0 {
		e.counters.addBandwidth(j.Class, min(1, least))
	}
}

// bestOn is the bandwidth that a request gets on a free node of one make.
func (e *simulationRun) bestOn(inv *placement.Inventory, template *PodTemplate) int64 {
	key := inventoryTemplate{inv, template}
	best, known := e.counters.best[key]
	if !known {
		request := e.cluster.requestOf(template).resolveFor(inv).Request
		verdict := e.cluster.placer.Place(inv, placement.NewGPUStates(inv), request, placement.KeepPlaceable{})
		best = verdict.Rating.Bandwidth
		e.counters.best[key] = best
	}
	return best
}

// inventoryTemplate is what bestOn is remembered by.
type inventoryTemplate struct {
	inv      *placement.Inventory
	template *PodTemplate
}
