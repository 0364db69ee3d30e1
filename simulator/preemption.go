package simulator

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// preemptFor makes room for a job by ending jobs of lower priority, as few of them as can
// be found; nil if even that does not help. Whom to end is decided by package cluster.
func (e *simulationRun) preemptFor(job int) ([]jobMember, error) {
	j := &e.input.Jobs[job]
	if !e.anyBelow(j.Priority) {
		return nil, nil
	}
	preemptor := &cluster.Preemptor{Host: j.Host, Priority: j.Priority, Cheaper: e.cheaperHolder}
	if j.Template.wantsGPUs() {
		preemptor.Ranking = e.cluster.requestOf(j.Template).NodeRanking
	}
	var victims []placement.HolderID
	if j.Members > 1 {
		victims = e.cluster.snapshot.SelectGroupVictims(preemptor, func() bool { return e.cluster.placeJob(j) != nil })
	} else {
		victims = e.cluster.snapshot.SelectVictims(preemptor)
	}
	if victims == nil {
		return nil, nil
	}
	for _, victim := range victims {
		e.counters.preemptions++
		e.interruptJob(jobOf(victim), "preempted")
	}
	return e.cluster.placeJob(j), nil
}

func (e *simulationRun) anyBelow(priority int64) bool {
	for other := range e.holding {
		if other < priority {
			return true
		}
	}
	return false
}

// cheaperHolder sorts jobs by how little is lost with them: the lowest priority first,
// then the one that started last.
func (e *simulationRun) cheaperHolder(x, y placement.HolderID) int {
	a, b := jobOf(x), jobOf(y)
	return cmp.Or(
		cmp.Compare(e.input.Jobs[a].Priority, e.input.Jobs[b].Priority),
		cmp.Compare(e.jobStates[b].placedAt, e.jobStates[a].placedAt),
		cmp.Compare(a, b),
	)
}
