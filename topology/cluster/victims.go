package cluster

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Victim is what may be ended for a pod of higher priority: a pod, or one of a gang.
type Victim struct {
	// Holders are what it holds anything as. What others hold too is free only once all of
	// them have ended.
	Holders  []placement.HolderID
	Priority int64
	// Cost is what is lost with it; see LostGPUTime.
	Cost int64
	// Pods is how many pods it is.
	Pods int
	// Group names those that end together, wherever they run; "" for one that ends alone.
	Group string
	// Budgets are the numbers of the budgets that it counts against, a budget once for each
	// of its pods.
	Budgets []int
	// Pinned says that it must not be ended.
	Pinned bool
}

// Preemptor is a pod, or a group of pods, that may end others of lower priority.
type Preemptor struct {
	// Ranking is what a pod asks for; nil for a pod without GPUs. Groups do not use it.
	Ranking *NodeRanking
	Host    topology.HostResources
	// Priority is its own: only victims below it are ended.
	Priority int64
	// Victims are all that hold something, also those that may not be ended. What a holder has
	// that is not among them stays.
	Victims []Victim
	// Budgets says of each budget how many more pods may be ended.
	Budgets []int
	// KeepBudgets says that no budget may be exceeded, even if nothing else helps.
	KeepBudgets bool
	// FreeHost is what a node has besides GPUs once some victims, by their numbers, have ended; nil where the
	// snapshot knows.
	FreeHost func(node int, victims []int) topology.HostResources
	// Admits says whether a pod may go to a node at all; nil for every node.
	Admits func(node int) bool
}

// VictimChoice is whom to end.
type VictimChoice struct {
	// Node is where the pod goes then; -1 for a group.
	Node int
	// Victims are numbers of Preemptor.Victims, ascending.
	Victims []int
	// Exceeded is how many pods are ended beyond what budgets allow.
	Exceeded int
}

// victimUnit is victims that end together.
type victimUnit struct {
	victims  []int
	holders  []int32
	priority int64
	cost     int64
	pods     int
	budgets  []int
	pinned   bool
}

// compareLosses compares what is lost with two sets of units, each with the dearest first. The
// highest priority decides, then the GPU time lost and the pods ended of that priority,
// then the same of the next lower priority: nothing of a priority is lost to save what is
// lower. More units are never less.
func (v *victimIndex) compareLosses(a, b []int32) int {
	for len(a) > 0 && len(b) > 0 {
		priority := v.units[a[0]].priority
		if c := cmp.Compare(priority, v.units[b[0]].priority); c != 0 {
			return c
		}
		costA, podsA, restA := v.lossAt(priority, a)
		costB, podsB, restB := v.lossAt(priority, b)
		if c := cmp.Or(cmp.Compare(costA, costB), cmp.Compare(podsA, podsB)); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// lossAt adds up the units of a priority, which come first, and returns the others.
func (v *victimIndex) lossAt(priority int64, units []int32) (cost int64, pods int, rest []int32) {
	for i, u := range units {
		unit := &v.units[u]
		if unit.priority != priority {
			return cost, pods, units[i:]
		}
		cost += unit.cost
		pods += unit.pods
	}
	return cost, pods, nil
}

// exceededBy is by how many pods budgets are exceeded if units end.
func (v *victimIndex) exceededBy(units []int32) int {
	if len(v.budgets) == 0 {
		return 0
	}
	exceeded := 0
	for _, u := range units {
		for _, budget := range v.units[u].budgets {
			if v.spent[budget]++; v.spent[budget] > v.budgets[budget] {
				exceeded++
			}
		}
	}
	clear(v.spent)
	return exceeded
}

// LostGPUTime is what is lost with a holder that has had so many thousandths of a GPU for so many
// milliseconds: first the GPU-hours, in whole hours of running, so that those that came a little
// earlier or later are worth the same; of equal ones how much of GPUs it has.
func LostGPUTime(milliGPUs, milliseconds int64) int64 {
	const hour, moreThanAnyNode = 3_600_000, 1_000
	return milliGPUs * (max(0, milliseconds)/hour*moreThanAnyNode + 1)
}
