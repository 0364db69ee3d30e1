package simulator

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// SlowDownPoint is how much longer work takes beside others: Times, in thousandths, where
// holders keep the GPU busy for Busy thousandths of a holder that never idles.
type SlowDownPoint struct{ Busy, Times int64 }

// SlowDownCurve is points with rising Busy. Up to one holder (1000) work takes its time; from
// there the curve is linear from point to point and goes on as between the last two.
type SlowDownCurve []SlowDownPoint

// GPUContention is how jobs on one part of a GPU slow one another down, by the way in which the
// part is shared. A job's work then takes longer by the largest factor among its GPUs.
type GPUContention struct {
	// TimeSlicing holds for replicas by time-slicing and for shares of a GPU, MPS for the
	// clients of an MPS server. An empty curve slows nothing down.
	TimeSlicing, MPS SlowDownCurve
}

const alone = 1000 // thousandths: as fast as by itself

// maxTimes bounds how much longer anything may take.
const maxTimes = 1_000_000

func (c SlowDownCurve) validateCurve() error {
	last := SlowDownPoint{Busy: alone, Times: alone}
	for _, p := range c {
		switch {
		case p.Busy <= last.Busy:
			return errors.New("points of a slow-down must have rising numbers of holders above 1")
		case p.Times < last.Times || p.Times > maxTimes:
			return fmt.Errorf("%d thousandths: work must not get faster with more holders, nor take more than %d", p.Times, maxTimes)
		}
		last = p
	}
	return nil
}

// TimesAt is how much longer work takes, in thousandths.
func (c SlowDownCurve) TimesAt(busy int64) int64 {
	if len(c) == 0 || busy <= alone {
		return alone
	}
	from, to := SlowDownPoint{Busy: alone, Times: alone}, c[0]
	for i := 1; i < len(c) && busy > to.Busy; i++ {
		from, to = to, c[i]
	}
	return min(maxTimes, from.Times+(to.Times-from.Times)*(busy-from.Busy)/(to.Busy-from.Busy))
}

// curveOn is the curve of a part of a node's GPU.
func (e *simulationRun) curveOn(n *nodeState, at gpuPart) SlowDownCurve {
	if len(n.Sharing) > 0 && n.Sharing[at.gpu].MPS {
		return e.input.Contention.MPS
	}
	return e.input.Contention.TimeSlicing
}

// contendedParts are the parts of GPUs that a member shares with others.
func (n *nodeState) contendedParts(m *jobMember) []gpuPart {
	if m.replicas != nil {
		return m.replicas
	}
	var parts []gpuPart
	for k := range m.devices {
		if device := &n.Inventory.Devices[m.devices[k].Device]; device.Form == placement.Share {
			parts = append(parts, gpuPart{gpu: device.GPU})
		}
	}
	return parts
}

// busyShare is for how much of its time a job keeps its GPUs busy, in thousandths.
func (j *Job) busyShare() int64 {
	if j.Busy == 0 {
		return alone
	}
	return j.Busy
}

// joinContention counts a job that began its work among the holders of its parts, and
// leaveContention one that ends it. Those beside it go on at the pace that follows.
func (e *simulationRun) joinContention(job int) { e.changeContention(job, 1) }

func (e *simulationRun) leaveContention(job int) { e.changeContention(job, -1) }

func (e *simulationRun) changeContention(job int, sign int64) {
	if e.input.Contention == nil || !e.input.Jobs[job].Template.wantsGPUs() {
		return
	}
	s := &e.jobStates[job]
	e.settleWork(job)
	busy := sign * e.input.Jobs[job].busyShare()
	for i := range s.members {
		n := e.cluster.nodes[s.members[i].node]
		for _, at := range n.contendedParts(&s.members[i]) {
			n.parts[at.gpu][at.part].busy += busy
		}
	}
	for i := range s.members {
		m := &s.members[i]
		if parts := e.cluster.nodes[m.node].contendedParts(m); len(parts) > 0 {
			for _, other := range e.runningOn(m.node, parts) {
				if other != job {
					e.changePace(other)
				}
			}
		}
	}
}

// runningOn are the running jobs on any of some parts of a node's GPUs, in order.
func (e *simulationRun) runningOn(node int, parts []gpuPart) []int {
	n := e.cluster.nodes[node]
	var jobs []int
	allocations := e.cluster.snapshot.NodeState(node).Allocations()
	for i := range allocations {
		job := jobOf(allocations[i].Holder)
		s := &e.jobStates[job]
		if s.phase == running && slices.ContainsFunc(s.members, func(m jobMember) bool {
			return m.node == node && slices.ContainsFunc(n.contendedParts(&m), func(at gpuPart) bool { return slices.Contains(parts, at) })
		}) {
			jobs = append(jobs, job)
		}
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}

// paceOf is how much longer a running job's work takes now, in thousandths.
func (e *simulationRun) paceOf(job int) int64 {
	pace := int64(alone)
	if e.input.Contention == nil || !e.input.Jobs[job].Template.wantsGPUs() {
		return pace
	}
	s, own := &e.jobStates[job], e.input.Jobs[job].busyShare()
	for i := range s.members {
		n := e.cluster.nodes[s.members[i].node]
		for _, at := range n.contendedParts(&s.members[i]) {
			pace = max(pace, e.curveOn(n, at).TimesAt(alone+n.parts[at.gpu][at.part].busy-own))
		}
	}
	return pace
}

// changePace lets a running job go on at the pace that its neighbours leave it.
func (e *simulationRun) changePace(job int) {
	if pace := e.paceOf(job); pace != e.jobStates[job].pace {
		e.settleWork(job)
		e.jobStates[job].pace = pace
		e.planEnd(job)
	}
}

// planEnd plans when a running job's work is done at its pace.
func (e *simulationRun) planEnd(job int) {
	s := &e.jobStates[job]
	s.paceChanges++
	left := max(0, s.left-s.done)
	at := e.now + left
	if s.pace > alone {
		at = e.now + Time((int64(left)*s.pace+alone-1)/alone)
	}
	e.events.pushEvent(at, workDone{jobSubject{job}, s.attempt, s.paceChanges})
}

// workSoFar is the work that a running job has done since it was ready.
func (s *jobState) workSoFar(now Time) Time {
	span := now - s.pacedAt
	if s.pace > alone {
		span = Time(int64(span) * alone / s.pace)
	}
	return min(s.done+span, s.left)
}

// settleWork counts the work of a running job until now.
func (e *simulationRun) settleWork(job int) {
	s := &e.jobStates[job]
	if s.phase != running || e.input.Contention == nil {
		return
	}
	done := s.workSoFar(e.now)
	e.counters.addPace(e.input.Jobs[job].Class, e.now-s.pacedAt, done-s.done, s.pace)
	s.done, s.pacedAt = done, e.now
}
