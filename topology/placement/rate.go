package placement

// Rate rates grants that somebody else chose, as Place would have rated them:
// the whole GPUs of each part as one set, everything else one after the other.
// Grants that do not fit in s rate as if they did.
func Rate(inv *Inventory, s State, grants []Grant, policy Policy) Rating {
	view := View{Inventory: inv, State: append(State(nil), s...), Free: s.FreeGPUs()}
	var total Rating
	for start := 0; start < len(grants); {
		part := grants[start].Part
		end := start
		var gpus GPUSet
		for ; end < len(grants) && grants[end].Part == part; end++ {
			if offer := &inv.Offers[grants[end].Offer]; offer.Form == Whole {
				gpus |= 1 << offer.GPU
			}
		}
		if gpus != 0 {
			total = total.plus(policy.RateGPUs(&view, gpus))
		}
		for _, grant := range grants[start:end] {
			if inv.Offers[grant.Offer].Form != Whole {
				total = total.plus(policy.RateOffer(&view, grant.Offer, grant.Size))
			}
			view.hold(grant.Offer, grant.Size)
		}
		start = end
	}
	return total
}
