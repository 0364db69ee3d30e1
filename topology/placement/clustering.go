package placement

// Clustering puts like beside like: a request goes where the most holders have the
// same form, so that nodes end up serving one kind of work (GPU clustering of Weng
// et al., USENIX ATC 2023, section 6.1, with forms as the kinds).
type Clustering struct{}

// Name implements Policy.
func (Clustering) Name() string { return "clustering" }

// RateGPUs implements Policy.
func (Clustering) RateGPUs(v *View, _ GPUSet) Rating {
	return Rating{Loss: -holders(v, Whole)}
}

// RateOffer implements Policy.
func (Clustering) RateOffer(v *View, i int, _ Size) Rating {
	offer := &v.Offers[i]
	loss := -holders(v, offer.Form)
	if !v.Free.Has(offer.GPU) {
		loss-- // the same GPU is closer than the same node
	}
	return Rating{Loss: loss}
}

// holders counts the node's GPUs that are held in a form.
func holders(v *View, form Form) int64 {
	count := int64(0)
	for i := range v.State {
		state := &v.State[i]
		held := form == Whole && state.Whole || form == MIG && state.MIG.Slices != 0 || form == Share && state.Sharers > 0
		if held {
			count++
		}
	}
	return count
}
