package placement

import (
	"math/bits"

	"github.com/ashlar-dev/ashlar/topology"
)

// View is what a policy looks at: one node at one moment. Policies only read it.
type View struct {
	*Inventory
	State State
	// Free is the set of GPUs that nobody holds any of.
	Free GPUSet
}

// NUMANodes is over how many known NUMA nodes the GPUs are spread.
func (v *View) NUMANodes(gpus GPUSet) int64 {
	var nodes uint32
	for ; gpus != 0; gpus &= gpus - 1 {
		nodes |= v.numa[gpus.lowest()]
	}
	return int64(bits.OnesCount32(nodes))
}

// NIC is how the worst placed of the GPUs reaches the nearest NIC.
func (v *View) NIC(gpus GPUSet) topology.LinkKind {
	kind := topology.NVLink
	for ; gpus != 0; gpus &= gpus - 1 {
		kind = min(kind, v.nic[gpus.lowest()])
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
		distances[set] = view.NUMANodes(set)*kinds + int64(topology.NVLink-view.NIC(set))
	}
	return distances
}

// hold records a grant in the view.
func (v *View) hold(offer int, size Size) {
	v.Hold(v.State, offer, size)
	v.Free &^= 1 << v.Offers[offer].GPU
}

// release undoes hold.
func (v *View) release(offer int, size Size) {
	v.Release(v.State, offer, size)
	if gpu := v.Offers[offer].GPU; v.State[gpu].Free() {
		v.Free |= 1 << gpu
	}
}
