package placement

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Observation collects what was asked for, to expect the same of the future. The
// zero value is ready to use.
type Observation struct {
	gpus     map[int]int64
	profiles map[mig.ProfileID]int64
	shares   map[topology.Bytes]int64
	// whole and parts are the GPUs that were handed out whole and in parts, in
	// thousandths.
	whole, parts int64
}

// Add counts one part of a request by what it was granted; grants are all of one part.
func (o *Observation) Add(inv *Inventory, grants []DeviceAllocation) {
	if o.gpus == nil {
		o.gpus, o.profiles, o.shares = map[int]int64{}, map[mig.ProfileID]int64{}, map[topology.Bytes]int64{}
	}
	gpus := 0
	for _, grant := range grants {
		device := &inv.Devices[grant.Device]
		all := max(1, inv.Node.GPUs[device.GPU].Model.Usable())
		switch device.Form {
		case Whole:
			gpus++
		case MIG:
			o.profiles[device.Profile]++
			o.parts += int64(topology.WholeGPU) * int64(device.Memory) / int64(all)
		case Share:
			bytes := shareMemory(device, grant.ShareSize)
			o.shares[bytes]++
			o.parts += int64(bytes/topology.MiB) * int64(topology.WholeGPU) / max(1, int64(all/topology.MiB))
		}
	}
	if gpus > 0 {
		o.gpus[gpus] += int64(gpus) // weights are of work: a job on four counts four times
		o.whole += int64(gpus) * int64(topology.WholeGPU)
	}
}

// Demand is what was seen so far, or the prior if nothing was.
func (o *Observation) Demand() Demand {
	if o.whole+o.parts == 0 {
		return PriorDemand()
	}
	return Demand{GPUs: o.gpus, Divided: 100 * o.parts / (o.whole + o.parts), Profiles: o.profiles, Shares: o.shares}
}
