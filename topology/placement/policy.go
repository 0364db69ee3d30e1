package placement

// Rating says how good a choice is. Policies only rank: a rating never makes a
// choice possible or impossible.
type Rating struct {
	// Bandwidth is what the job gets between its GPUs, in GB/s per direction.
	// More is better and decides first.
	Bandwidth int64
	// Loss is what the choice takes from requests to come, in MiB. Less is better.
	Loss int64
	// NUMANodes is over how many NUMA nodes the job's GPUs are spread. Fewer is
	// better, but only between choices that are equal otherwise: bandwidth between
	// the GPUs matters more, and NVLink pairs may span NUMA nodes.
	NUMANodes int64
}

// Better reports whether r is preferable to other.
func (r Rating) Better(other Rating) bool {
	if r.Bandwidth != other.Bandwidth {
		return r.Bandwidth > other.Bandwidth
	}
	if r.Loss != other.Loss {
		return r.Loss < other.Loss
	}
	return r.NUMANodes < other.NUMANodes
}

// plus is the rating of two choices made one after the other. A job is as fast
// as its slowest set of GPUs.
func (r Rating) plus(next Rating) Rating {
	bandwidth := max(r.Bandwidth, next.Bandwidth)
	if r.Bandwidth > 0 && next.Bandwidth > 0 {
		bandwidth = min(r.Bandwidth, next.Bandwidth)
	}
	return Rating{Bandwidth: bandwidth, Loss: r.Loss + next.Loss, NUMANodes: r.NUMANodes + next.NUMANodes}
}

// Policy ranks the ways to serve a request. Among choices that rate equal the
// one with the lowest indexes wins.
type Policy interface {
	// Name is how users refer to the policy.
	Name() string
	// RateGPUs rates taking all of gpus, which are free, as whole GPUs.
	RateGPUs(inv *Inventory, s State, gpus GPUSet) Rating
	// RateOffer rates taking one offer that fits.
	RateOffer(inv *Inventory, s State, offer int, part *Part) Rating
}
