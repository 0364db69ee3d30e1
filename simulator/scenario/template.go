package scenario

import (
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// templateOf is the request as the simulator takes it.
func (b *inputBuilder) templateOf(r *Request) *simulator.PodTemplate {
	template := &simulator.PodTemplate{Name: r.titleText()}
	if !r.CPUOnly {
		template.For = func(inv *placement.Inventory) simulator.NodeRequest { return b.requestOn(r, inv) }
	}
	return template
}

// requestOn is what the request asks of nodes of one make, given how GPUs are handed out.
func (b *inputBuilder) requestOn(r *Request, inv *placement.Inventory) simulator.NodeRequest {
	if r.Model != nil {
		return r.modelRequest(b, inv)
	}
	request := simulator.NodeRequest{UsesMemory: topology.Bytes(r.Uses)}
	part := placement.Part{Name: "gpu", Count: int(max(1, r.GPUs)), Needs: placement.TopologyRequirements{GBps: r.Bandwidth}}
	needed := topology.Bytes(0) // of a GPU that is not divided by MIG
	switch {
	case r.Share != nil:
		part.Bytes, part.Compute = r.Share.sizeOn(inv)
		part.Accepts, needed = r.acceptedDevices(inv, placement.Share, part.Bytes), part.Bytes
	case r.MIG != "":
		part.Accepts, needed = r.acceptedProfiles(inv, b.catalogue)
		if b.sharing != ByRequest && needed == 0 {
			needed = topology.Bytes(maxMemory) // a profile that the GPU does not have
		}
	default:
		part.Accepts = r.acceptedDevices(inv, placement.Whole, 0)
	}
	switch {
	case b.sharing == WholeGPUs && r.GPUs == 0:
		part.Bytes, part.Compute = 0, 0
		part.Accepts = r.acceptedDevices(inv, placement.Whole, needed)
	case b.sharing.replicaTerms().replicas > 0:
		request.Replica = true
		if request.UsesMemory == 0 {
			request.UsesMemory = needed
		}
		request.Request = b.replicaRequest(inv, part.Count, needed, r.acceptsModel)
		return request
	case r.Grows != nil && request.UsesMemory == 0:
		request.UsesMemory = min(needed, topology.Bytes(r.Grows.To))
	}
	request.Request = &placement.Request{Parts: []placement.Part{part}}
	return request
}

// sizeOn is what the share takes of a GPU of the make: memory as the driver hands it out,
// and no more of it for a part than so that the parts of a GPU fit beside one another.
func (s *Share) sizeOn(inv *placement.Inventory) (topology.Bytes, topology.MilliGPU) {
	if s.Part == 0 {
		return topology.RoundShare(topology.Bytes(s.Memory)), topology.MilliGPU(s.Compute)
	}
	part := inv.Node.GPUs[0].Model.Usable() / 1000 * topology.Bytes(s.Part)
	return max(topology.ShareStep, part/topology.ShareStep*topology.ShareStep), topology.MilliGPU(s.Part)
}
