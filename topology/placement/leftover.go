package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// GPULeftover is what nobody holds of a GPU, in MiB. Memory slices count in
// proportion, whatever could still be placed on them.
func (v *View) GPULeftover(gpu int) int64 {
	state := &v.GPUs[gpu]
	all := v.memory[gpu]
	switch {
	case state.Whole:
		return 0
	case state.MIG.Slices != 0:
		total := v.MemorySlices(gpu)
		return all * (total - int64(bits.OnesCount16(uint16(state.MIG.Slices)))) / total
	case state.Sharers > 0:
		return all - int64(state.Shared/topology.MiB)
	}
	return all
}

// deviceMemory is the part of a GPU's memory, in MiB, that a device takes.
func (v *View) deviceMemory(device *Device, size ShareSize) int64 {
	switch device.Form {
	case MIG:
		return v.memory[device.GPU] * device.Placement.Size / v.MemorySlices(device.GPU)
	case Share:
		return int64(shareMemory(device, size) / topology.MiB)
	}
	return v.memory[device.GPU]
}

// memoryOfGPUs is the memory of a set of GPUs, in MiB.
func (v *View) memoryOfGPUs(gpus GPUSet) int64 {
	sum := int64(0)
	for ; gpus != 0; gpus &= gpus - 1 {
		sum += v.memory[gpus.lowestGPU()]
	}
	return sum
}

// nodeLeftover is what nobody holds of the whole node, in MiB.
func (v *View) nodeLeftover() int64 {
	sum := int64(0)
	for gpu := range v.GPUs {
		sum += v.GPULeftover(gpu)
	}
	return sum
}
