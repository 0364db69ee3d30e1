package placement

// Clustering puts like beside like: a request goes where the most holders have the
// same form, so that nodes end up serving one kind of work (GPU clustering of Weng
// et al., USENIX ATC 2023, section 6.1, with forms as the kinds).
type Clustering struct{}

// Name implements Policy.
func (Clustering) Name() string { return "clustering" }

// RateGPUs implements Policy.
func (Clustering) RateGPUs(v *View, _ GPUSet) Rating {
	return Rating{OpportunityCost: -gpusHeldAs(v, Whole)}
}

// RateDevice implements Policy.
func (Clustering) RateDevice(v *View, i int, _ ShareSize) Rating {
	device := &v.Devices[i]
	loss := -gpusHeldAs(v, device.Form)
	if !v.Free.Has(device.GPU) {
		loss-- // the same GPU is closer than the same node
	}
	return Rating{OpportunityCost: loss}
}

// gpusHeldAs counts the node's GPUs that are held in a form.
func gpusHeldAs(v *View, form Form) int64 {
	count := int64(0)
	for i := range v.GPUs {
		state := &v.GPUs[i]
		held := form == Whole && state.Whole || form == MIG && state.MIG.Slices != 0 || form == Share && state.Sharers > 0
		if held {
			count++
		}
	}
	return count
}
