package simulator

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// preempt makes room for a job by ending jobs of lower priority, as few of them as it
// can find; nil if even that does not help.
func (e *engine) preempt(job int) ([]member, error) {
	j := &e.Jobs[job]
	if !e.anyBelow(j.Priority) {
		return nil, nil
	}
	var victims []int
	if j.Members > 1 {
		victims = e.victimsOfGang(j)
	} else {
		victims = e.victims(j)
	}
	if victims == nil {
		return nil, nil
	}
	for _, victim := range victims {
		e.meter.preemptions++
		e.interrupt(victim, "preempted")
	}
	return e.place(j), nil
}

func (e *engine) anyBelow(priority int64) bool {
	for other := range e.holding {
		if other < priority {
			return true
		}
	}
	return false
}

// cheapest sorts jobs by how little is lost with them: the lowest priority first, then
// the one that started last.
func (e *engine) cheapest(a, b int) int {
	return cmp.Or(cmp.Compare(e.Jobs[a].Priority, e.Jobs[b].Priority), cmp.Compare(e.jobs[b].placedAt, e.jobs[a].placedAt), cmp.Compare(a, b))
}

// victims finds the jobs to end for one that fits on one node: the fewest over all
// nodes, then those of the lowest priority, then those that started last.
func (e *engine) victims(j *Job) []int {
	var best []int
	for node, n := range e.nodes {
		if !n.open() || j.Ask.gpus() && n.fleet < 0 {
			continue
		}
		below := e.below(n, j.Priority)
		if len(below) == 0 {
			continue
		}
		found := e.fewest(j, node, below)
		if found != nil && (best == nil || e.cheaper(found, best)) {
			best = found
		}
	}
	return best
}

// below lists the jobs of lower priority on a node, the cheapest first.
func (e *engine) below(n *nodeState, priority int64) []int {
	var below []int
	for _, job := range n.jobs {
		if e.Jobs[job].Priority < priority && !slices.Contains(below, job) {
			below = append(below, job)
		}
	}
	slices.SortFunc(below, e.cheapest)
	return below
}

func (e *engine) cheaper(a, b []int) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	for i := range a {
		if a[i] != b[i] {
			return e.cheapest(a[i], b[i]) < 0
		}
	}
	return false
}

// maxPairs is up to how many jobs on a node every two of them are tried.
const maxPairs = 24

// fewest finds the fewest jobs without which j fits on a node. One and two are found
// for sure, beyond that a set of which every member is needed.
func (e *engine) fewest(j *Job, node int, below []int) []int {
	if !e.fitsWithout(j, node, below) {
		return nil
	}
	for _, job := range below {
		if e.fitsWithout(j, node, []int{job}) {
			return []int{job}
		}
	}
	if len(below) <= maxPairs {
		for i, a := range below {
			for _, b := range below[i+1:] {
				if e.fitsWithout(j, node, []int{a, b}) {
					return []int{a, b}
				}
			}
		}
	}
	needed := slices.Clone(below)
	for i := len(needed) - 1; i >= 0; i-- { // the dearest are spared first
		spared := slices.Delete(slices.Clone(needed), i, i+1)
		if e.fitsWithout(j, node, spared) {
			needed = spared
		}
	}
	return needed
}

// fitsWithout reports whether a job fits on a node once others are gone from it.
func (e *engine) fitsWithout(j *Job, node int, gone []int) bool {
	n := e.nodes[node]
	free := n.free
	var state placement.GPUStates
	if n.fleet >= 0 {
		state = slices.Clone(e.fleet.State(n.fleet))
	}
	for _, job := range gone {
		for _, m := range e.jobs[job].members {
			if m.node != node {
				continue
			}
			free = free.plus(e.Jobs[job].Host)
			for _, grant := range m.grants {
				n.Inventory.ReleaseDevice(state, grant.Device, grant.ShareSize)
			}
		}
	}
	if !j.Host.within(free) {
		return false
	}
	return !j.Ask.gpus() || e.placer.Place(n.Inventory, state, e.question(j.Ask).request(n.Inventory), e.policy).Outcome == placement.Fits
}

// victimsOfGang finds the jobs to end for a gang: the cheapest, in doubling numbers
// until it fits; then those are spared that need not go.
func (e *engine) victimsOfGang(j *Job) []int {
	var below []int
	for job := range e.jobs {
		if e.jobs[job].holds() && e.Jobs[job].Priority < j.Priority {
			below = append(below, job)
		}
	}
	slices.SortFunc(below, e.cheapest)
	if !e.gangFitsWithout(j, below) {
		return nil
	}
	count := 1
	for count < len(below) && !e.gangFitsWithout(j, below[:count]) {
		count = min(2*count, len(below))
	}
	needed := slices.Clone(below[:count])
	for i := len(needed) - 1; i >= 0; i-- {
		spared := slices.Delete(slices.Clone(needed), i, i+1)
		if e.gangFitsWithout(j, spared) {
			needed = spared
		}
	}
	return needed
}

// gangFitsWithout takes jobs off the cluster, looks, and puts them back as they were.
func (e *engine) gangFitsWithout(j *Job, gone []int) bool {
	for _, job := range gone {
		for _, m := range e.jobs[job].members {
			e.release(job, e.Jobs[job].Host, &m)
		}
	}
	fits := e.place(j) != nil
	for _, job := range gone {
		for _, m := range e.jobs[job].members {
			if err := e.take(job, e.Jobs[job].Host, &m); err != nil {
				panic(err) // it was there a moment ago
			}
		}
	}
	return fits
}
