package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// newRings returns, for every set of a node's GPUs, the bandwidth in GB/s per
// direction of the best ring through it: the slowest link of the ring that
// maximises it. Collectives run in rings, so this is what a job on the set gets.
// 0 for fewer than two GPUs.
//
// It asks, for each bandwidth from the highest down, which sets have a Hamiltonian
// cycle over links at least that fast (Held and Karp's reachability, with the set
// of possible last GPUs as a bit mask). Time 2^n * n for each distinct bandwidth.
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
			start := set.lowestGPU()
			if set == 1<<start {
				ends[set] = set
				continue
			}
			ends[set] = 0
			for rest := set &^ (1 << start); rest != 0; rest &= rest - 1 {
				last := rest.lowestGPU()
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
