package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GPUUsage is how the memory of one GPU is used. The four amounts add up to Total.
type GPUUsage struct {
	// Form is how the GPU is handed out, of no meaning where nobody holds any of it.
	Form Form
	// Total is the memory that one holder of the whole GPU could allocate.
	Total topology.Bytes
	// Allocated is what its holders have, Free what is left for one of the devices that the
	// node hands out, and Stranded what is left and out of reach: none of the devices that
	// are still free has it.
	Allocated, Free, Stranded topology.Bytes
}

// UsageOf is how the memory of each of the GPUs is used.
func (inv *Inventory) UsageOf(s GPUStates) []GPUUsage {
	usage := make([]GPUUsage, len(s))
	reachable := make([]mig.Slices, len(s))
	shareable := make([]bool, len(s))
	for i := range inv.Devices {
		device := &inv.Devices[i]
		gpu := &s[device.GPU]
		switch device.Form {
		case MIG:
			if gpu.MIG.Slices != 0 && inv.fitsGPU(gpu, device, ShareSize{}) {
				reachable[device.GPU] |= device.slices
			}
		case Share:
			shareable[device.GPU] = true
		case Whole:
		}
	}
	for i := range s {
		gpu, u := &s[i], &usage[i]
		u.Total = inv.Node.GPUs[i].Model.Usable()
		switch count := inv.MemorySlices(i); {
		case gpu.Free():
			u.Free = u.Total
		case gpu.Whole:
			u.Form, u.Allocated = Whole, u.Total
		case gpu.MIG.Slices != 0 && count > 0:
			u.Form = MIG
			slice := u.Total / topology.Bytes(count)
			u.Allocated = min(u.Total, slice*topology.Bytes(bits.OnesCount16(uint16(gpu.MIG.Slices))))
			u.Free = min(u.Total-u.Allocated, slice*topology.Bytes(bits.OnesCount16(uint16(reachable[i]))))
			u.Stranded = u.Total - u.Allocated - u.Free
		default:
			u.Form, u.Allocated = Share, min(gpu.Shared, u.Total)
			if left := u.Total - u.Allocated; shareable[i] && gpu.MIG.Slices == 0 {
				u.Free = left
			} else {
				u.Stranded = left
			}
		}
	}
	return usage
}
