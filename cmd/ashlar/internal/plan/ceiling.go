package plan

import (
	"fmt"

	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// noteCeiling says of a server that an autoscaler multiplies if the cluster's GPUs, were all of them
// free, could not hold as many copies as it may make.
func (a *serverAnswer) noteCeiling(counts map[string]modelCount) {
	q := a.question
	if counts == nil || q.scaledBy == "" {
		return
	}
	room, gpus := int64(0), int64(0)
	for _, o := range a.Options {
		if o.Fits && o.Form == memoryplan.WholeForm {
			room += counts[o.Offer.Hardware.Product].all / o.GPUs
			gpus = max(gpus, o.GPUs)
		}
	}
	if room == 0 || q.replicas <= room {
		return
	}
	each := "1 GPU each"
	if gpus > 1 {
		each = fmt.Sprintf("%d GPUs each", gpus)
	}
	a.notes = append(a.notes, fmt.Sprintf("%s scales to %d replicas of %s, and all GPUs of the cluster on which one fits hold %d: lower the "+
		"maximum to %d, or add GPUs; ashlar whatif -f FILE says how many fit beside the pods that run", q.scaledBy, q.replicas, each, room,
		room))
}
