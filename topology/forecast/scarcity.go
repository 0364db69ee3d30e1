package forecast

import (
	"math"

	"github.com/ashlar-dev/ashlar/topology"
)

// ModelScarcity prices GPU models by the pods that accept no other.
//
// Every set of models that pods ask for is a resource of its own: its price is its
// part of the demand by its part of the idle GPUs, 1 if pods are not choosy. A model
// costs the sum of the prices of the sets that it is in. Where no pod names models all
// cost the same, and the price decides nothing.
type ModelScarcity struct {
	cluster *ClusterAmounts
	sets    []acceptedSet
	// prices is by model, in millionths of a GPU for a GPU; priced is what was idle
	// when they were set.
	prices []int64
	priced topology.MilliGPU
	// taken is the prices for one class.
	taken []int64
}

// acceptedSet is a set of models and the part of the GPU demand that accepts no others.
type acceptedSet struct {
	models modelSet
	part   float64
}

// repriceAt is by how much of all GPUs the idle ones change before prices follow, in
// percent. Prices drift slowly, and following each pod gains nothing.
const repriceAt = 5

// dearest bounds a price, in GPUs for a GPU, once a set is nearly used up.
const dearest = 1000

// NewModelScarcity prices the models of a cluster for the pods to expect there.
func NewModelScarcity(c *ClusterAmounts, demand *ClassDemand) *ModelScarcity {
	s := &ModelScarcity{cluster: c, prices: make([]int64, len(c.models.names)), taken: make([]int64, len(c.models.names))}
	index := map[modelSet]int{}
	var all float64
	for _, class := range demand.Classes {
		if class.GPUs == 0 {
			continue
		}
		models := c.models.acceptedModels(class.Models) & (1<<uint(len(c.models.names)) - 1)
		i, found := index[models]
		if !found {
			i = len(s.sets)
			index[models] = i
			s.sets = append(s.sets, acceptedSet{models: models})
		}
		gpus := float64(class.Count) * float64(class.AllGPUs())
		s.sets[i].part += gpus
		all += gpus
	}
	for i := range s.sets {
		s.sets[i].part /= all
	}
	s.updatePrices()
	return s
}

// ModelPrices is what the GPUs of a pod cost, by number of the model, in millionths of a
// GPU; nil for a pod without GPUs. The result is valid until the next call.
func (s *ModelScarcity) ModelPrices(r *ResolvedClass) []int64 {
	if r.GPUs == 0 {
		return nil
	}
	moved := s.cluster.idle - s.priced
	if max(moved, -moved)*100 > s.cluster.capacity*repriceAt {
		s.updatePrices()
	}
	for i, price := range s.prices {
		s.taken[i] = price * int64(r.AllGPUs()) / int64(topology.WholeGPU)
	}
	return s.taken
}

func (s *ModelScarcity) updatePrices() {
	s.priced = s.cluster.idle
	clear(s.prices)
	for _, set := range s.sets {
		var idle topology.MilliGPU
		for model, left := range s.cluster.idleOf {
			if set.models.hasModel(model) {
				idle += left
			}
		}
		if idle <= 0 {
			continue // there is nothing left to keep
		}
		price := int64(math.Round(MicroGPU * min(dearest, set.part*float64(s.cluster.idle)/float64(idle))))
		for model := range s.prices {
			if set.models.hasModel(model) {
				s.prices[model] += price
			}
		}
	}
}
