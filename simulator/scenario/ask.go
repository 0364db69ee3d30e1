package scenario

import (
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ask is the request as the simulator asks it.
func (b *builder) ask(r *Request) *simulator.Ask {
	ask := &simulator.Ask{Name: r.title()}
	if !r.CPUOnly {
		ask.For = func(inv *placement.Inventory) simulator.Terms { return b.terms(r, inv) }
	}
	return ask
}

// terms are what the request asks of nodes of one make, given how GPUs are handed out.
func (b *builder) terms(r *Request, inv *placement.Inventory) simulator.Terms {
	if r.Model != nil {
		return r.modelTerms(b, inv)
	}
	terms := simulator.Terms{Uses: topology.Bytes(r.Uses)}
	part := placement.Part{Name: "gpu", Count: int(max(1, r.GPUs)), Needs: placement.TopologyRequirements{GBps: r.Bandwidth}}
	needed := topology.Bytes(0) // of a GPU that is not divided by MIG
	switch {
	case r.Share != nil:
		part.Bytes, part.Compute = r.Share.size(inv)
		part.Accepts, needed = r.accepts(inv, placement.Share, part.Bytes), part.Bytes
	case r.MIG != "":
		part.Accepts, needed = r.profiles(inv, b.catalogue)
		if b.sharing != ByAsk && needed == 0 {
			needed = topology.Bytes(maxMemory) // a profile that the GPU does not have
		}
	default:
		part.Accepts = r.accepts(inv, placement.Whole, 0)
	}
	switch replicas := b.sharing.replicas(); {
	case b.sharing == WholeGPUs && r.GPUs == 0:
		part.Bytes, part.Compute = 0, 0
		part.Accepts = r.accepts(inv, placement.Whole, needed)
	case replicas > 0:
		terms.Unisolated = true
		if terms.Uses == 0 {
			terms.Uses = needed
		}
		terms.Request = simulator.TimeSliced(part.Count, replicas, r.accepts(inv, placement.Share, needed))
		return terms
	}
	terms.Request = &placement.Request{Parts: []placement.Part{part}}
	return terms
}

// size is what the share takes of a GPU of the make.
func (s *Share) size(inv *placement.Inventory) (topology.Bytes, topology.MilliGPU) {
	if s.Part == 0 {
		return topology.Bytes(s.Memory), topology.MilliGPU(s.Compute)
	}
	usable := inv.Node.GPUs[0].Model.Usable()
	return usable / 1000 * topology.Bytes(s.Part), topology.MilliGPU(s.Part)
}
