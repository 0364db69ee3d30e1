package placement

// Rating says how good a choice is. Policies only rank: a rating never makes a
// choice possible or impossible.
type Rating struct {
	// Bandwidth is what the job gets between its GPUs, in GB/s per direction.
	// More is better and decides first.
	Bandwidth int64
	// Loss is what the choice takes from requests to come, in MiB. Less is better.
	Loss int64
}

// Better reports whether r is preferable to other.
func (r Rating) Better(other Rating) bool {
	if r.Bandwidth != other.Bandwidth {
		return r.Bandwidth > other.Bandwidth
	}
	return r.Loss < other.Loss
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
