package openb

import (
	"errors"
	"fmt"
	"math/rand"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
)

// ArrivingPercent is the GPU demand of all arrivals in percent of the cluster's GPUs.
const ArrivingPercent = 130

// maxArrivals bounds an experiment: a trace of tiny shares on a large cluster would
// otherwise fill the memory with clones of its pods.
const maxArrivals = 10_000_000

// Arrivals is what an experiment draws from its seed.
type Arrivals struct {
	// Pods are indexes into the pods by name, in the order in which they arrive.
	Pods []int
	// Nodes are indexes into the nodes by name, in tie-break order.
	Nodes []int
}

// DrawArrivals draws the arrivals of one seed, the same ones as the published experiments:
// it uses the same random numbers for the same purpose in the same order. Both lists
// must be sorted by name, as ReadNodes and ReadPods return them.
func DrawArrivals(nodes []policy.NodeCapacity, pods []policy.TracePod, seed int64) (Arrivals, error) {
	var gpus topology.MilliGPU
	for _, node := range nodes {
		gpus += topology.MilliGPU(node.GPUs) * topology.WholeGPU
	}
	if gpus == 0 {
		return Arrivals{}, errors.New("the nodes have no GPUs, of which to allocate a part")
	}
	rng := rand.New(rand.NewSource(seed))
	rng.Int() // the simulator writes a random number into its log first
	arriving, err := arrivingPods(pods, gpus*ArrivingPercent/100, rng)
	if err != nil {
		return Arrivals{}, err
	}
	// Ten API watches start now, each with a random timeout.
	for range 10 {
		rng.Int63()
	}
	// Node i by name gets the number numbers[i], and ties fall to the smallest.
	order := make([]int, len(nodes))
	for i, number := range rng.Perm(len(nodes)) {
		order[number] = i
	}
	return Arrivals{arriving, order}, nil
}

// arrivingPods shuffles the pods, then adds clones of random ones, or removes random
// ones, until their GPU demand is the target.
func arrivingPods(pods []policy.TracePod, target topology.MilliGPU, rng *rand.Rand) ([]int, error) {
	list := make([]int, len(pods))
	var demand topology.MilliGPU
	for i := range pods {
		list[i] = i
		demand += pods[i].AllGPUs()
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if demand >= target {
		return removeRandom(list, pods, demand-target, rng), nil
	}
	for demand > 0 {
		i := rng.Intn(len(pods))
		// The simulator looks at what the pod takes of each GPU, not of all, so that
		// the last clone can exceed the target. It ends with the first that is refused.
		if demand+pods[i].PerGPU > target {
			break
		}
		if len(list) == maxArrivals {
			return nil, fmt.Errorf("more than %d pods would have to arrive: the pods are too small for so many GPUs, use fewer nodes", maxArrivals)
		}
		list = append(list, i)
		demand += pods[i].AllGPUs()
	}
	return list, nil
}

// removeRandom removes random pods from a list until at least excess is gone.
func removeRandom(list []int, pods []policy.TracePod, excess topology.MilliGPU, rng *rand.Rand) []int {
	left := newOrdered(len(list))
	for n := len(list); excess > 0; n-- {
		i := left.takePlace(rng.Intn(n))
		excess -= pods[list[i]].AllGPUs()
		list[i] = -1
	}
	kept := list[:0]
	for _, pod := range list {
		if pod >= 0 {
			kept = append(kept, pod)
		}
	}
	return kept
}

// orderedPlaces is which of n places are still taken, as a Fenwick tree of counts: the k-th
// of them is found and removed in logarithmic time.
type orderedPlaces struct {
	count []int
	top   int
}

func newOrdered(n int) *orderedPlaces {
	o := &orderedPlaces{count: make([]int, n+1), top: 1}
	for i := 1; i <= n; i++ {
		o.count[i] = i & -i
	}
	for 2*o.top <= n {
		o.top *= 2
	}
	return o
}

// takePlace gives up the place that k taken ones come before, and returns it.
func (o *orderedPlaces) takePlace(k int) int {
	place := 0
	for step := o.top; step > 0; step /= 2 {
		if next := place + step; next < len(o.count) && o.count[next] <= k {
			place, k = next, k-o.count[next]
		}
	}
	for i := place + 1; i < len(o.count); i += i & -i {
		o.count[i]--
	}
	return place
}
