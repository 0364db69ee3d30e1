package cluster

import "github.com/ashlar-dev/ashlar/topology"

// PlaceHostsOnly places pods that take no GPU, each so much of a host: on nodes without
// GPUs first, then where the fewest GPUs are free, so that they are in the way of as few
// pods as possible. It returns a node for each, nil if not all of them fit, and leaves
// the snapshot as it was.
func (s *Snapshot) PlaceHostsOnly(host topology.HostResources, pods int) []int {
	taken := map[int]topology.HostResources{}
	var nodes []int
	for range pods {
		best, bestFree := -1, 0
		for i := range s.nodes {
			if !s.rooms[i].admitsPod(host.Plus(taken[i])) {
				continue
			}
			free := -1
			if s.rooms[i].class != noClass {
				free = s.nodes[i].state.GPUs().FreeGPUs().Len()
			}
			if best < 0 || free < bestFree {
				best, bestFree = i, free
			}
		}
		if best < 0 {
			return nil
		}
		taken[best] = taken[best].Plus(host)
		nodes = append(nodes, best)
	}
	return nodes
}
