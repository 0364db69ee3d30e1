package placement

// RateAllocation rates devices that somebody else chose, as Place would have rated them:
// the whole GPUs of each part as one set, everything else one after the other.
// Devices that do not fit in s rate as if they did.
func RateAllocation(inv *Inventory, s GPUStates, grants []DeviceAllocation, policy Policy) Rating {
	view := View{Inventory: inv, GPUs: append(GPUStates(nil), s...), Free: s.FreeGPUs()}
	var total Rating
	for start := 0; start < len(grants); {
		part := grants[start].Part
		end := start
		var gpus GPUSet
		for ; end < len(grants) && grants[end].Part == part; end++ {
			if device := &inv.Devices[grants[end].Device]; device.Form == Whole {
				gpus |= 1 << device.GPU
			}
		}
		if gpus != 0 {
			total = total.addRating(policy.RateGPUs(&view, gpus))
		}
		for _, grant := range grants[start:end] {
			if inv.Devices[grant.Device].Form != Whole {
				total = total.addRating(policy.RateDevice(&view, grant.Device, grant.ShareSize))
			}
			view.holdDevice(grant.Device, grant.ShareSize)
		}
		start = end
	}
	return total
}
