package placement

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// GPUState is what is held of one GPU. The zero value is a free GPU.
type GPUState struct {
	// Whole says that one holder has all of it.
	Whole bool
	// MIG is held by MIG instances.
	MIG mig.Occupancy
	// Shared and Compute are held by shares, Sharers is their number.
	Shared  topology.Bytes
	Compute topology.MilliGPU
	Sharers int64
}

// Free reports whether nobody holds any of the GPU.
func (g GPUState) Free() bool { return g == GPUState{} }

// GPUStates is what is held of a node: one entry for each of its GPUs.
type GPUStates []GPUState

// NewGPUStates returns the state of a node that nobody uses.
func NewGPUStates(inv *Inventory) GPUStates { return make(GPUStates, len(inv.Node.GPUs)) }

// FreeGPUs is the set of GPUs that nobody holds any of.
func (s GPUStates) FreeGPUs() GPUSet {
	var set GPUSet
	for i := range s {
		if s[i].Free() {
			set |= 1 << i
		}
	}
	return set
}

// DeviceFits reports whether device i can be taken now; size is that of a share, and ignored
// for other forms.
func (inv *Inventory) DeviceFits(s GPUStates, i int, size ShareSize) bool {
	return inv.fitsGPU(&s[inv.Devices[i].GPU], &inv.Devices[i], size)
}

func (inv *Inventory) fitsGPU(gpu *GPUState, device *Device, size ShareSize) bool {
	switch device.Form {
	case Whole:
		return gpu.Free()
	case MIG:
		return !gpu.Whole && gpu.Sharers == 0 &&
			gpu.MIG.Slices&device.slices == 0 &&
			(!device.scarce || gpu.MIG.Media.Plus(device.Media).Within(inv.flexibility[device.GPU].all))
	case Share:
		return !gpu.Whole && gpu.MIG.Slices == 0 && shareMemory(device, size) <= device.Memory-gpu.Shared &&
			size.Compute <= topology.WholeGPU-gpu.Compute && (gpu.Sharers == 0 || gpu.Shared < device.Memory)
	}
	return false
}

// shareMemory is the memory that a share takes.
func shareMemory(device *Device, size ShareSize) topology.Bytes {
	if size.Bytes == 0 {
		return device.Memory
	}
	return size.Bytes
}

// TakeDevice records that device i is held. It is an error, and changes nothing, if the
// device does not fit.
func (inv *Inventory) TakeDevice(s GPUStates, i int, size ShareSize) error {
	if !inv.DeviceFits(s, i, size) {
		device := inv.Devices[i]
		return fmt.Errorf("%s of GPU %d is not free", device.Form, device.GPU)
	}
	inv.HoldDevice(s, i, size)
	return nil
}

// HoldDevice records that device i is held, whether or not it fits: for what others have
// allocated already.
func (inv *Inventory) HoldDevice(s GPUStates, i int, size ShareSize) {
	device := &inv.Devices[i]
	s[device.GPU] = withDevice(s[device.GPU], device, size)
}

// withDevice is the state of a GPU once device is held too.
func withDevice(gpu GPUState, device *Device, size ShareSize) GPUState {
	switch device.Form {
	case Whole:
		gpu.Whole = true
	case MIG:
		gpu.MIG.Slices |= device.slices
		gpu.MIG.Media = gpu.MIG.Media.Plus(device.Media)
	case Share:
		gpu.Shared += shareMemory(device, size)
		gpu.Compute += size.Compute
		gpu.Sharers++
	}
	return gpu
}

// ReleaseDevice undoes Take with the same arguments.
func (inv *Inventory) ReleaseDevice(s GPUStates, i int, size ShareSize) {
	device := &inv.Devices[i]
	gpu := &s[device.GPU]
	switch device.Form {
	case Whole:
		gpu.Whole = false
	case MIG:
		gpu.MIG.Slices &^= device.slices
		gpu.MIG.Media = gpu.MIG.Media.Minus(device.Media)
	case Share:
		gpu.Shared -= shareMemory(device, size)
		gpu.Compute -= size.Compute
		gpu.Sharers--
	}
}
