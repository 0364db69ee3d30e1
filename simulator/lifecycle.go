package simulator

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// jobArrives puts a job into the queue and tries it.
func (e *simulationRun) jobArrives(job int) error {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	s.phase, s.left, s.arrived, s.queuedAt, s.firstPlaced = queued, j.Runs, e.now, e.now, -1
	s.everReady = -1
	e.counters.arrived++
	e.log.writeLine(logLine{
		At: e.now, Event: LogArrival, Job: j.Name, Class: j.Class, Priority: j.Priority, Ask: j.Template.Name, Members: gangSize(j),
	})
	e.queue.addJob(job)
	if j.Leaves > 0 {
		e.events.pushEvent(max(j.Leaves, e.now), jobLeaves{jobSubject{job}})
	}
	if placed, err := e.tryJob(job); placed || err != nil || s.phase != queued {
		return err
	}
	if j.MaxWait > 0 {
		e.events.pushEvent(e.now+j.MaxWait, maxWaitOver{jobSubject{job}})
	}
	return nil
}

// tryAll tries the jobs that wait, in the order of the queue.
func (e *simulationRun) tryAll() error {
	next := Time(-1)
	e.tried = append(e.tried[:0], e.queue.jobs...) // what is tried leaves the queue, or joins it
	for _, job := range e.tried {
		s := &e.jobStates[job]
		if s.phase != queued {
			continue
		}
		if s.notBefore > e.now {
			// A class that was refused is tried again when room is made, not when its
			// back-off is over.
			if e.lastRefusal[s.class] != e.changes && (next < 0 || s.notBefore < next) {
				next = s.notBefore
			}
			continue
		}
		if _, err := e.tryJob(job); err != nil {
			return err
		}
	}
	if next >= 0 {
		e.planRetry(next)
	}
	return nil
}

// planRetry plans that the queue is tried at a time, unless it is planned for an earlier
// one already.
func (e *simulationRun) planRetry(at Time) {
	if e.retryAt == 0 || at < e.retryAt {
		e.retryAt = at
		e.events.pushEvent(at, queueRetry{})
	}
}

// tryJob places a job if it fits, ending others for it if it may.
func (e *simulationRun) tryJob(job int) (bool, error) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if e.lastRefusal[s.class] != e.changes {
		members := e.cluster.placeJob(j)
		if members == nil && e.input.Preemption == PreemptLower {
			var err error
			if members, err = e.preemptFor(job); err != nil {
				return false, err
			}
		}
		if members != nil {
			return true, e.startJob(job, members)
		}
		e.lastRefusal[s.class] = e.changes
	}
	if s.failures++; s.failures == 1 {
		if e.isUnsatisfiable(j) {
			e.failJob(job, NeverFits)
			return false, nil
		}
		e.log.writeLine(logLine{At: e.now, Event: LogWaits, Job: j.Name})
	}
	s.notBefore = e.now + retryDelay(s.failures)
	return false, nil
}

// isUnsatisfiable reports whether a job would not even fit on the empty cluster.
func (e *simulationRun) isUnsatisfiable(j *Job) bool {
	key := jobClassOf(j)
	key.priority = 0
	never, known := e.unsatisfiable[key]
	if !known {
		if e.emptyCluster == nil {
			e.emptyCluster = e.cluster.withoutJobs()
		}
		never = e.emptyCluster.placeJob(j) == nil
		e.unsatisfiable[key] = never
	}
	return never
}

// startJob allocates what was decided for a job, and plans when it is ready.
func (e *simulationRun) startJob(job int, members []jobMember) error {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	e.queue.removeJob(job)
	reslices, part := int64(0), int64(0)
	for i := range members {
		m := &members[i]
		n := e.cluster.nodes[m.node]
		if n.Inventory != nil {
			e.counters.countUsed(n, n.Inventory.GPUsOf(m.devices)&e.cluster.snapshot.NodeState(m.node).GPUs().FreeGPUs(), 1)
		}
		if err := e.cluster.allocateMember(job, j, m); err != nil {
			return fmt.Errorf("placing job %s on node %s as decided: %w", j.Name, n.Name, err)
		}
		for k := range m.devices {
			device := &n.Inventory.Devices[m.devices[k].Device]
			if n.layouts[device.GPU].takeDevice(device) {
				reslices++
			}
			part += n.fractionOf(&m.devices[k])
		}
		e.takeReplicas(j, m)
	}
	e.teachForecast(j, members)
	s.members, s.milliGPUs = members, part
	e.counters.allocated += part
	e.counters.reslices += reslices
	e.holding[j.Priority]++
	e.placed.addJob(job)
	s.attempt++
	s.failures = 0
	s.phase, s.placedAt = loading, e.now
	s.waited += e.now - s.queuedAt
	if s.firstPlaced < 0 {
		s.firstPlaced = e.now
	}
	delay := j.Loads + e.restartTakes
	if reslices > 0 {
		delay += e.input.Reslice
	}
	e.measureBandwidth(job)
	e.log.writeLine(logLine{At: e.now, Event: LogPlaced, Job: j.Name, On: e.logPlaces(members), Reslices: reslices})
	e.events.pushEvent(e.now+delay, loadingDone{jobSubject{job}, s.attempt})
	return nil
}

// teachForecast counts a started job in the forecast, once for each start. Looking for a
// place must not do so: what was only tried would change the demand that is expected.
func (e *simulationRun) teachForecast(j *Job, members []jobMember) {
	if e.cluster.forecast == nil {
		return
	}
	for i := range members {
		if m := &members[i]; len(m.devices) > 0 {
			e.cluster.forecast.ObservePod(int64(j.Host.CPU), e.cluster.nodes[m.node].Inventory, m.devices)
		}
	}
}

// stopJob releases all that a job holds.
func (e *simulationRun) stopJob(job int) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if s.phase == running {
		e.releaseMemory(job)
		e.leaveContention(job)
	}
	for i := range s.members {
		node := s.members[i].node
		n := e.cluster.nodes[node]
		for _, at := range s.members[i].replicas {
			n.returnReplica(at)
		}
		var gpus placement.GPUSet
		for _, a := range e.cluster.snapshot.ReleaseHolder(node, holderOf(job)) { // of all members there
			if n.Inventory != nil {
				gpus |= n.Inventory.GPUsOf(a.Devices)
			}
		}
		if gpus != 0 {
			e.counters.countUsed(n, gpus&e.cluster.snapshot.NodeState(node).GPUs().FreeGPUs(), -1)
		}
	}
	e.counters.allocated -= s.milliGPUs
	s.members, s.milliGPUs = nil, 0
	e.placed.removeJob(job)
	if e.holding[j.Priority]--; e.holding[j.Priority] == 0 {
		delete(e.holding, j.Priority)
	}
	e.changes++
}

// jobReady begins a job's work. If the memory that it needs is not there, it runs out of
// memory instead.
func (e *simulationRun) jobReady(job int) error {
	s := &e.jobStates[job]
	if node, short := e.claimMemory(job); short {
		return e.jobOutOfMemory(job, node, 0)
	}
	s.phase, s.readyAt = running, e.now
	s.done, s.pacedAt, s.pace = 0, e.now, alone
	if s.everReady < 0 {
		s.everReady = e.now
	}
	e.log.writeLine(logLine{At: e.now, Event: LogReady, Job: e.input.Jobs[job].Name})
	e.joinContention(job)
	s.pace = e.paceOf(job)
	e.planEnd(job)
	e.planGrowth(job)
	return nil
}

// jobIsTakenAway ends a job at its time. One that never was ready has given up.
func (e *simulationRun) jobIsTakenAway(job int) error {
	s := &e.jobStates[job]
	if held := s.holdsPlace(); s.everReady < 0 {
		e.failJob(job, GaveUp)
		if held {
			return e.tryAll()
		}
		return nil
	}
	switch s.phase {
	case running:
		s.left = s.workSoFar(e.now)
		return e.jobDeparts(job)
	case queued: // it was interrupted
		e.queue.removeJob(job)
	default:
		e.stopJob(job)
	}
	s.phase, s.left = finished, 0
	e.log.writeLine(logLine{At: e.now, Event: LogDeparture, Job: e.input.Jobs[job].Name})
	return e.tryAll()
}

// jobDeparts ends a job whose work is done.
func (e *simulationRun) jobDeparts(job int) error {
	s := &e.jobStates[job]
	e.counters.served += int64(s.workSoFar(e.now)) * s.milliGPUs
	e.stopJob(job)
	s.phase, s.left = finished, 0
	e.log.writeLine(logLine{At: e.now, Event: LogDeparture, Job: e.input.Jobs[job].Name})
	return e.tryAll()
}

// interruptJob ends a job before its time and puts it back into the queue, without the
// work since its last checkpoint.
func (e *simulationRun) interruptJob(job int, why LogEvent) {
	s := &e.jobStates[job]
	e.log.writeLine(logLine{At: e.now, Event: why, Job: e.input.Jobs[job].Name, Lost: e.loseWork(job)})
	e.stopJob(job)
	s.phase, s.queuedAt, s.failures, s.restarts = queued, e.now, 0, 0
	s.notBefore = e.now + firstRetryDelay
	e.queue.addJob(job)
	e.planRetry(s.notBefore)
}

// failJob ends a job for good, for a reason.
func (e *simulationRun) failJob(job int, reason FailureReason) {
	s := &e.jobStates[job]
	if s.holdsPlace() {
		e.stopJob(job)
	} else {
		e.queue.removeJob(job)
		s.waited += e.now - s.queuedAt
	}
	s.phase, s.failure = failed, reason
	e.log.writeLine(logLine{At: e.now, Event: LogFailed, Job: e.input.Jobs[job].Name, Reason: string(reason)})
}

// FailureReason is why a job was given up.
type FailureReason string

// The reasons.
const (
	NeverFits   FailureReason = "never fits"    // not even on the empty cluster
	GaveUp      FailureReason = "gave up"       // waited longer than its MaxWait
	OutOfMemory FailureReason = "out of memory" // ran out of memory again and again
)

// gangSize is a job's members for the log, 0 unless it is a gang.
func gangSize(j *Job) int {
	if j.Members == 1 {
		return 0
	}
	return j.Members
}
