package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// View is what a policy looks at: one node at one moment. Policies only read it.
type View struct {
	*Inventory
	GPUs GPUStates
	// Free is the set of GPUs that nobody holds any of.
	Free GPUSet
}

// NUMANodes is over how many known NUMA nodes the GPUs are spread.
func (v *View) NUMANodes(gpus GPUSet) int64 {
	var nodes uint32
	for ; gpus != 0; gpus &= gpus - 1 {
		nodes |= v.numa[gpus.lowestGPU()]
	}
	return int64(bits.OnesCount32(nodes))
}

// NearestNIC is how the worst placed of the GPUs reaches the nearest NIC.
func (v *View) NearestNIC(gpus GPUSet) topology.LinkKind {
	kind := topology.NVLink
	for ; gpus != 0; gpus &= gpus - 1 {
		kind = min(kind, v.nic[gpus.lowestGPU()])
	}
	return kind
}

// newDistances is Rating.Distance of every set: NUMA nodes first, then the way to the
// nearest NIC.
func (inv *Inventory) newDistances() []int64 {
	const kinds = int64(topology.Self)
	view := View{Inventory: inv}
	distances := make([]int64, 1<<len(inv.Node.GPUs))
	for i := range distances {
		set := GPUSet(i)
		distances[set] = view.NUMANodes(set)*kinds + int64(topology.NVLink-view.NearestNIC(set))
	}
	return distances
}

// holdDevice notes in the view that a device is given.
func (v *View) holdDevice(device int, size ShareSize) {
	v.HoldDevice(v.GPUs, device, size)
	v.Free &^= 1 << v.Devices[device].GPU
}

// releaseDevice undoes holdDevice.
func (v *View) releaseDevice(device int, size ShareSize) {
	v.ReleaseDevice(v.GPUs, device, size)
	if gpu := v.Devices[device].GPU; v.GPUs[gpu].Free() {
		v.Free |= 1 << gpu
	}
}
