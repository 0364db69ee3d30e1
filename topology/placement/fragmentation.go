package placement

import (
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Fragmentation descends the fragmentation gradient (FGD, Weng et al., "Beware of
// Fragmentation", USENIX ATC 2023, section 4): it takes the choice after which the
// least memory is left that the expected demand cannot use. For one kind of demand,
// memory is a fragment if it lies on a GPU that cannot serve it, and all of the
// node's is if the node cannot serve it. Fragments are summed over the demand, by
// weight.
//
// Deviates: the paper knows whole GPUs and shares by thousandths of a GPU; here MIG
// profiles are kinds of demand too, and amounts are memory. CPU and host memory are
// not considered.
//
// Complexity: the kinds of demand times the GPUs for each choice, times their MIG
// devices.
type Fragmentation struct{ kinds []demandKind }

// demandKind is one kind of demand.
type demandKind struct {
	gpus    int // whole GPUs, or
	profile mig.ProfileID
	bytes   topology.Bytes // a share, if not 0
	weight  int64
}

// NewFragmentation prepares the policy for a demand.
func NewFragmentation(demand Demand) Fragmentation {
	var f Fragmentation
	for _, gpus := range slices.Sorted(maps.Keys(demand.GPUs)) {
		f.kinds = append(f.kinds, demandKind{gpus: gpus, weight: demand.GPUs[gpus]})
	}
	for _, profile := range slices.Sorted(maps.Keys(demand.Profiles)) {
		f.kinds = append(f.kinds, demandKind{profile: profile, weight: demand.Profiles[profile]})
	}
	for _, bytes := range slices.Sorted(maps.Keys(demand.Shares)) {
		f.kinds = append(f.kinds, demandKind{bytes: bytes, weight: demand.Shares[bytes]})
	}
	return f
}

// Name implements Policy.
func (Fragmentation) Name() string { return "fragmentation" }

// RateGPUs implements Policy.
func (f Fragmentation) RateGPUs(v *View, gpus GPUSet) Rating {
	var held [topology.MaxGPUs]GPUState
	after := View{Inventory: v.Inventory, GPUs: append(GPUStates(held[:0]), v.GPUs...), Free: v.Free &^ gpus}
	for rest := gpus; rest != 0; rest &= rest - 1 {
		after.GPUs[rest.lowestGPU()].Whole = true
	}
	return Rating{OpportunityCost: f.fragmentedMemory(&after) - f.fragmentedMemory(v)}
}

// RateDevice implements Policy.
func (f Fragmentation) RateDevice(v *View, i int, size ShareSize) Rating {
	var held [topology.MaxGPUs]GPUState
	after := View{Inventory: v.Inventory, GPUs: append(GPUStates(held[:0]), v.GPUs...), Free: v.Free}
	after.holdDevice(i, size)
	return Rating{OpportunityCost: f.fragmentedMemory(&after) - f.fragmentedMemory(v)}
}

// fragmentedMemory is the memory that the demand cannot use, in MiB times weight.
func (f Fragmentation) fragmentedMemory(v *View) int64 {
	sum := int64(0)
	for k := range f.kinds {
		kind := &f.kinds[k]
		usable := int64(0)
		for gpu := range v.GPUs {
			if kind.usableGPU(v, gpu) {
				usable += v.GPULeftover(gpu)
			}
		}
		if kind.gpus > v.Free.Len() {
			usable = 0
		}
		sum += kind.weight * (v.nodeLeftover() - usable)
	}
	return sum
}

// usableGPU reports whether a GPU can contribute to serving the kind of demand.
func (k *demandKind) usableGPU(v *View, gpu int) bool {
	switch {
	case k.gpus > 0:
		return v.Free.Has(gpu)
	case k.bytes > 0:
		return (v.Free.Has(gpu) || v.GPUs[gpu].Sharers > 0) && v.GPULeftover(gpu) >= int64(k.bytes/topology.MiB)
	}
	if v.flexibility[gpu] == nil || v.GPUs[gpu].Whole || v.GPUs[gpu].Sharers > 0 {
		return false
	}
	return v.flexibility[gpu].fitsProfile(k.profile, v.GPUs[gpu].MIG)
}
