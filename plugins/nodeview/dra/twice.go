package dra

import (
	"k8s.io/apimachinery/pkg/util/sets"
)

// GPUsOn is how many GPUs a node's slices publish, as far as they are understood.
func (s *Source) GPUsOn(node string) int64 {
	if p := s.pools.gpuPool(node); p != nil {
		return int64(len(p.gpus.inventory.Node.GPUs))
	}
	return 0
}

// NodesInUse are the nodes of whose GPU pools claims hold anything, now or as soon as they
// are written.
func (s *Source) NodesInUse() (sets.Set[string], error) {
	if err := s.ledger.refresh(); err != nil {
		return nil, err
	}
	nodes := sets.New[string]()
	for pool := range s.ledger.allocated {
		nodes.Insert(pool.Node)
	}
	return nodes, nil
}
