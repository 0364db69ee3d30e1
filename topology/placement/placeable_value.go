package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// groupWeight is what a NUMA node or PCIe root that is entirely free is worth on
// top, in MiB for each of its GPUs. It only has to break ties: where all links are
// equal it keeps aligned halves and quarters together.
const groupWeight = 64

// newPlaceableValue values every set of free GPUs, in MiB: the memory of the machine times
// the share of the expected demand that the set could serve, jobs of each size by
// themselves. Demand that takes GPUs in parts can be served by any free GPU. Jobs of k GPUs count by the bandwidth that they would
// get: the disjoint sets of k with the most bandwidth in total, against the same on
// the whole machine. So a set that keeps fast pairs is worth more than one that
// keeps as many GPUs of different pairs.
//
// Time 2^n * C(n, k-1) for k up to 4, 2^n * n for larger k, of which only one set
// is counted.
func newPlaceableValue(node *topology.Node, ring []int64, demand Demand) []int64 {
	n := len(node.GPUs)
	all := GPUSet(1<<n - 1)
	memory := make([]int64, 1<<n)
	for set := GPUSet(1); set <= all; set++ {
		first := set.lowestGPU()
		memory[set] = memory[set&^(1<<first)] + int64(node.GPUs[first].Model.Usable()/topology.MiB)
	}
	total := int64(0)
	for size, weight := range demand.GPUs {
		if size >= 1 && size <= n {
			total += weight
		}
	}
	value := make([]int64, 1<<n)
	if total == 0 {
		copy(value, memory)
		total = 1
	}
	for size, weight := range demand.GPUs {
		if size < 1 || size > n {
			continue
		}
		served := servableDemand(n, size, ring, memory)
		for set := GPUSet(1); set <= all; set++ {
			value[set] += memory[all] * weight / total * served[set] / max(1, served[all])
		}
	}
	for set := range value {
		value[set] = (value[set]*(100-demand.Divided) + memory[set]*demand.Divided) / 100
	}
	for _, group := range localGroups(node) {
		for set := GPUSet(1); set <= all; set++ {
			if set&group == group {
				value[set] += groupWeight * int64(group.Len())
			}
		}
	}
	return value
}

// servableDemand is, for every set, the most that jobs of the size could get from it at
// the same time: memory for jobs on one GPU, bandwidth otherwise.
func servableDemand(n, size int, ring, memory []int64) []int64 {
	served := make([]int64, 1<<n)
	switch {
	case size == 1:
		copy(served, memory)
	case size <= 4:
		packSets(served, size, ring)
	default:
		for set := GPUSet(1); set < 1<<n; set++ {
			if set.Len() == size {
				served[set] = ring[set]
			}
			for rest := set; rest != 0; rest &= rest - 1 {
				served[set] = max(served[set], served[set&^(1<<rest.lowestGPU())])
			}
		}
	}
	return served
}

// packSets fills served with the most bandwidth in total over disjoint sets of 2, 3
// or 4 GPUs: the lowest GPU of a set is either left out or in one of its sets.
func packSets(served []int64, size int, ring []int64) {
	for set := GPUSet(1); int(set) < len(served); set++ {
		first := GPUSet(1) << set.lowestGPU()
		best := served[set&^first]
		for a := set &^ first; a != 0; a &= a - 1 {
			two := first | a&-a
			if size == 2 {
				best = max(best, ring[two]+served[set&^two])
				continue
			}
			for b := a & (a - 1); b != 0; b &= b - 1 {
				three := two | b&-b
				if size == 3 {
					best = max(best, ring[three]+served[set&^three])
					continue
				}
				for c := b & (b - 1); c != 0; c &= c - 1 {
					four := three | c&-c
					best = max(best, ring[four]+served[set&^four])
				}
			}
		}
		served[set] = best
	}
}

// localGroups returns the sets of two or more GPUs that belong together: those that
// share a known NUMA node or PCIe root, and on a machine whose NVLinks are all equal
// its aligned halves and quarters, which are what its switches can be partitioned
// into (Fabric Manager: 1x8, 2x4, 4x2).
func localGroups(node *topology.Node) []GPUSet {
	numa, root := map[int64]GPUSet{}, map[string]GPUSet{}
	for i, gpu := range node.GPUs {
		if gpu.NUMA != topology.NoNUMA {
			numa[gpu.NUMA] |= 1 << i
		}
		if gpu.PCIeRoot != "" {
			root[gpu.PCIeRoot] |= 1 << i
		}
	}
	groups := alignedBlocks(node)
	for _, set := range numa {
		groups = append(groups, set)
	}
	for _, set := range root {
		groups = append(groups, set)
	}
	groups = slices.DeleteFunc(groups, func(set GPUSet) bool { return set.Len() < 2 })
	slices.Sort(groups)
	return slices.Compact(groups)
}

// alignedBlocks are the halves and quarters, by index, of a machine of 4, 8 or 16
// GPUs on which every GPU has the same NVLink to every other.
func alignedBlocks(node *topology.Node) []GPUSet {
	n := len(node.GPUs)
	if n < 4 || n&(n-1) != 0 {
		return nil
	}
	for i := range n {
		for j := range i {
			if node.Links[i][j].Kind != topology.NVLink || node.Links[i][j] != node.Links[1][0] || node.Links[j][i] != node.Links[1][0] {
				return nil
			}
		}
	}
	var blocks []GPUSet
	for _, size := range []int{n / 2, n / 4} {
		for start := 0; start < n; start += size {
			blocks = append(blocks, (1<<size-1)<<start)
		}
	}
	return blocks
}
