package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// linkTable knows, for every set of a node's GPUs, what a job on exactly that
// set gets, and what the set is still worth to jobs to come. It is computed once
// per make of node.
//
// Space: two int64 per subset of the GPUs, 1 MiB at 16 GPUs. Time: 2^n * n per
// distinct bandwidth for the rings and 2^n * C(n,3) for the quads; 0.1 ms at 8
// GPUs, some 100 ms at 16.
type linkTable struct {
	// ring[set] is the bandwidth in GB/s per direction of the best ring through
	// the set: the slowest link of the ring that maximises it. Collectives run in
	// rings, so this is what the job gets. 0 for fewer than two GPUs.
	ring []int64
	// worth[set] is what the set, all of it free, is worth in MiB: see newWorth.
	worth []int64
}

func newLinkTable(node *topology.Node) *linkTable {
	ring := newRings(node)
	return &linkTable{ring: ring, worth: newWorth(node, ring)}
}

// newRings finds the best ring of every set by asking, for each bandwidth from
// the highest down, which sets have a Hamiltonian cycle over links at least that
// fast (Held-Karp reachability, bit-parallel over the path's last GPU).
func newRings(node *topology.Node) []int64 {
	n := len(node.GPUs)
	ring := make([]int64, 1<<n)
	var rates []int64
	for i := range n {
		for j := range i {
			rates = append(rates, node.Bandwidth(i, j))
		}
	}
	slices.Sort(rates)
	rates = slices.Compact(rates)
	slices.Reverse(rates)

	ends := make([]GPUSet, 1<<n)
	for _, rate := range rates {
		var near [topology.MaxGPUs]GPUSet // near[i]: GPUs that i reaches at this rate
		for i := range n {
			for j := range n {
				if i != j && node.Bandwidth(i, j) >= rate {
					near[i] |= 1 << j
				}
			}
		}
		// ends[set]: where a path over all of set can end that starts at its lowest GPU.
		for set := GPUSet(1); set < 1<<n; set++ {
			start := set.lowest()
			if set == 1<<start {
				ends[set] = set
				continue
			}
			ends[set] = 0
			for rest := set &^ (1 << start); rest != 0; rest &= rest - 1 {
				last := rest.lowest()
				if ends[set&^(1<<last)]&near[last] != 0 {
					ends[set] |= 1 << last
				}
			}
			if ring[set] == 0 && ends[set]&near[start] != 0 {
				ring[set] = rate
			}
		}
	}
	return ring
}

// Weights of what a free set is worth, in MiB. A free GPU is worth its memory;
// on top comes what its links could serve, so that a request that does not need
// links goes where fewer are lost. The link weight makes one NVLink-connected
// pair of H100 (450 GB/s) worth about a tenth of their memory; it only has to
// rank choices, any weight well below the memory's does the same.
const (
	pairWeight  = 16 // per GB/s of each pair that can be served at once
	quadWeight  = 64 // per GB/s of each quad that can be served at once
	groupWeight = 64 // per GPU of a NUMA node or PCIe root that is entirely free
)

// newWorth values every set of free GPUs: the memory, plus the bandwidth of the
// pairs and of the quads that could be placed on it at the same time, plus a
// little for NUMA nodes and PCIe roots that are entirely free, which keeps
// aligned halves and quarters together where all links are equal.
func newWorth(node *topology.Node, ring []int64) []int64 {
	n := len(node.GPUs)
	worth := make([]int64, 1<<n)
	pairs, quads := make([]int64, 1<<n), make([]int64, 1<<n)
	groups := localGroups(node)
	for set := GPUSet(1); set < 1<<n; set++ {
		first := set.lowest()
		rest := set &^ (1 << first)
		pairs[set], quads[set] = pairs[rest], quads[rest]
		for a := rest; a != 0; a &= a - 1 {
			withA := GPUSet(1<<first | 1<<a.lowest())
			pairs[set] = max(pairs[set], ring[withA]+pairs[set&^withA])
			for b := a & (a - 1); b != 0; b &= b - 1 {
				withB := withA | 1<<b.lowest()
				for c := b & (b - 1); c != 0; c &= c - 1 {
					quad := withB | 1<<c.lowest()
					quads[set] = max(quads[set], ring[quad]+quads[set&^quad])
				}
			}
		}
		worth[set] = pairWeight*pairs[set] + quadWeight*quads[set]
		for i, gpu := range node.GPUs {
			if set.Has(i) {
				worth[set] += int64(gpu.Model.Usable() / topology.MiB)
			}
		}
		for _, group := range groups {
			if set&group == group {
				worth[set] += groupWeight * int64(group.Len())
			}
		}
	}
	return worth
}

// localGroups returns the sets of two or more GPUs that share a known NUMA node
// or PCIe root.
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
	var groups []GPUSet
	for _, set := range numa {
		groups = append(groups, set)
	}
	for _, set := range root {
		groups = append(groups, set)
	}
	groups = slices.DeleteFunc(groups, func(set GPUSet) bool { return set.Len() < 2 })
	slices.Sort(groups)
	return groups
}
