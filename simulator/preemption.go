package simulator

import (
	"cmp"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// preempt makes room for a job by ending jobs of lower priority, as few of them as can
// be found; nil if even that does not help. Whom to end is decided by package cluster.
func (e *engine) preempt(job int) ([]member, error) {
	j := &e.Jobs[job]
	if !e.anyBelow(j.Priority) {
		return nil, nil
	}
	preemptor := &cluster.Preemptor{Host: j.Host, Priority: j.Priority, Cheaper: e.cheaperHolder}
	if j.Ask.gpus() {
		preemptor.Ranking = e.requestOf(j.Ask).NodeRanking
	}
	var victims []placement.HolderID
	if j.Members > 1 {
		victims = e.snapshot.SelectGroupVictims(preemptor, func() bool { return e.place(j) != nil })
	} else {
		victims = e.snapshot.SelectVictims(preemptor)
	}
	if victims == nil {
		return nil, nil
	}
	for _, victim := range victims {
		e.meter.preemptions++
		e.interrupt(jobOf(victim), "preempted")
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

// cheaperHolder sorts jobs by how little is lost with them: the lowest priority first,
// then the one that started last.
func (e *engine) cheaperHolder(x, y placement.HolderID) int {
	a, b := jobOf(x), jobOf(y)
	return cmp.Or(cmp.Compare(e.Jobs[a].Priority, e.Jobs[b].Priority), cmp.Compare(e.jobs[b].placedAt, e.jobs[a].placedAt), cmp.Compare(a, b))
}
