package placement

// Rating says how good a choice is. Policies only rank: a rating never makes a
// choice possible or impossible.
type Rating struct {
	// Bandwidth is what the job gets between its GPUs, in GB/s per direction.
	// More is better and decides first.
	Bandwidth int64
	// OpportunityCost is what the choice takes from requests to come; less is better. Its unit
	// is the policy's own: MiB for KeepPlaceable.
	OpportunityCost int64
	// Distance is how far the job's GPUs are from one another's NUMA nodes and from
	// NICs. Less is better, but only between choices that are equal otherwise:
	// bandwidth matters more, and NVLink pairs may span NUMA nodes.
	Distance int64
}

// Better reports whether r is preferable to other.
func (r Rating) Better(other Rating) bool {
	if r.Bandwidth != other.Bandwidth {
		return r.Bandwidth > other.Bandwidth
	}
	if r.OpportunityCost != other.OpportunityCost {
		return r.OpportunityCost < other.OpportunityCost
	}
	return r.Distance < other.Distance
}

// Compare sorts ratings, the better first.
func (r Rating) Compare(other Rating) int {
	switch {
	case r.Better(other):
		return -1
	case other.Better(r):
		return 1
	}
	return 0
}

// addRating is the rating of two choices made one after the other. A job is as fast
// as its slowest set of GPUs.
func (r Rating) addRating(next Rating) Rating {
	bandwidth := max(r.Bandwidth, next.Bandwidth)
	if r.Bandwidth > 0 && next.Bandwidth > 0 {
		bandwidth = min(r.Bandwidth, next.Bandwidth)
	}
	return Rating{Bandwidth: bandwidth, OpportunityCost: r.OpportunityCost + next.OpportunityCost, Distance: r.Distance + next.Distance}
}

// Policy ranks the ways to serve a request. Among choices that rate equal the
// one with the lowest indexes wins.
type Policy interface {
	// Name is how users refer to the policy.
	Name() string
	// RateGPUs rates taking all of gpus, which are free, as whole GPUs.
	RateGPUs(v *View, gpus GPUSet) Rating
	// RateDevice rates taking one device that fits; size is that of a share.
	RateDevice(v *View, device int, size ShareSize) Rating
}
