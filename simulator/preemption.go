package simulator

import (
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// preemptFor makes room for a job by ending jobs of lower priority with which the least GPU
// time is lost; nil if even that does not help. Whom to end is decided by package cluster.
func (e *simulationRun) preemptFor(job int) ([]jobMember, error) {
	j := &e.input.Jobs[job]
	if !e.anyBelow(j.Priority) {
		return nil, nil
	}
	preemptor := &cluster.Preemptor{Host: j.Host, Priority: j.Priority, Victims: e.jobsToEnd(j.Priority)}
	if j.Template.wantsGPUs() {
		preemptor.Ranking = e.cluster.requestOf(j.Template).NodeRanking
	}
	var choice *cluster.VictimChoice
	if j.Members > 1 {
		choice = e.cluster.snapshot.SelectGroupVictims(preemptor, func() bool { return e.cluster.placeJob(j) != nil })
	} else {
		choice = e.cluster.snapshot.SelectVictims(preemptor)
	}
	if choice == nil {
		return nil, nil
	}
	for _, number := range choice.Victims {
		e.counters.preemptions++
		e.interruptJob(jobOf(preemptor.Victims[number].Holders[0]), LogPreempted)
	}
	return e.cluster.placeJob(j), nil
}

// jobsToEnd are the jobs below a priority that hold something. Nothing is lost with a job but
// what it has run since it was placed.
func (e *simulationRun) jobsToEnd(priority int64) []cluster.Victim {
	var victims []cluster.Victim
	for job := range e.placed.inOrder() {
		s, j := &e.jobStates[job], &e.input.Jobs[job]
		if j.Priority >= priority {
			continue
		}
		victims = append(victims, cluster.Victim{
			Holders: []placement.HolderID{holderOf(job)}, Priority: j.Priority, Pods: j.Members,
			Cost: cluster.LostGPUTime(s.milliGPUs, int64(e.now-s.placedAt)),
		})
	}
	return victims
}

func (e *simulationRun) anyBelow(priority int64) bool {
	for other := range e.holding {
		if other < priority {
			return true
		}
	}
	return false
}
