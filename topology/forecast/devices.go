package forecast

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// classOf is the class of a pod that takes that much milli-CPU and the devices; not
// known for pods without GPUs, that mix forms or that take several parts of GPUs.
//
// Of a share it counts the memory alone, as leftOf does: the scheduler knows no more of
// what a pod holds.
func classOf(cpu int64, inv *placement.Inventory, devices []placement.DeviceAllocation) (PodClass, bool) {
	class := PodClass{CPU: min(max(0, cpu), MaxCPU), PerGPU: topology.WholeGPU}
	for _, a := range devices {
		form := inv.Devices[a.Device].Form
		if form != placement.Whole && len(devices) > 1 {
			return class, false
		}
		class.GPUs++
		if form != placement.Whole {
			a.Compute = 0
			class.PerGPU = inv.Fraction(a, placement.RoundUp)
		}
	}
	return class, class.GPUs > 0
}

// leftOf is what is left of each GPU.
func leftOf(inv *placement.Inventory, state placement.GPUStates) [topology.MaxGPUs]topology.MilliGPU {
	var left [topology.MaxGPUs]topology.MilliGPU
	for i := range state {
		left[i] = inv.FractionLeft(i, &state[i], placement.RoundUp)
	}
	return left
}
