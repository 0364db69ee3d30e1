package simulator

import "slices"

// JobCrash is a fatal GPU error of a job, such as an access to memory that is not its own. It
// ends the containers on the GPU that share its fate, which start again in their places:
// the job's own, and where an MPS server serves its GPUs, those of the server's other clients.
type JobCrash struct {
	Job int
	At  Time
}

// restartForgotten is how long a container has to run until its back-off begins anew.
// Source: kubelet, twice the most that CrashLoopBackOff waits.
const restartForgotten = 2 * mostRestartDelay

// jobCrashes ends what a fatal error of a job ends. A job that runs nowhere has none.
func (e *simulationRun) jobCrashes(job int) error {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if !s.hasProcesses() || !j.Template.wantsGPUs() {
		e.log.writeLine(logLine{At: e.now, Event: LogCrash, Job: j.Name, Reason: "uses no GPU now"})
		return nil
	}
	others := e.mpsClientsBeside(job)
	e.counters.crashes++
	node := e.cluster.nodes[s.members[0].node].Name
	e.log.writeLine(logLine{At: e.now, Event: LogCrash, Job: j.Name, Node: node, Lost: e.restartJob(job)})
	for _, other := range others {
		e.counters.crashedWith++
		lost := e.restartJob(other)
		e.log.writeLine(logLine{At: e.now, Event: LogCrashedWith, Job: e.input.Jobs[other].Name, Node: node, Reason: j.Name, Lost: lost})
	}
	return nil
}

// restartJob ends the processes of a job, which start again in their places after a while,
// and returns the work that is lost.
func (e *simulationRun) restartJob(job int) Time {
	s := &e.jobStates[job]
	lost := e.loseWork(job)
	if s.phase == running {
		e.releaseMemory(job)
		e.leaveContention(job)
		if e.now-s.readyAt >= restartForgotten {
			s.restarts = 0
		}
	}
	s.restarts++
	s.attempt++
	s.phase = restarting
	e.events.pushEvent(e.now+restartDelay(s.restarts), containerRestart{jobSubject{job}, s.attempt})
	return lost
}

// loseWork counts the work of a job that is ended now, and returns what of it is lost: what
// was done since its last checkpoint.
func (e *simulationRun) loseWork(job int) Time {
	s := &e.jobStates[job]
	if s.phase != running {
		return 0
	}
	lost := s.workSoFar(e.now)
	if checkpoint := e.input.Jobs[job].Checkpoint; checkpoint > 0 {
		kept := lost / checkpoint * checkpoint
		lost -= kept
		s.left -= kept
		e.counters.served += int64(kept) * s.milliGPUs
	}
	e.counters.lost += int64(lost) * s.milliGPUs
	return lost
}

// mpsClientsBeside are the other jobs that a fatal error of a job's first member ends. It is
// contained within the parts of GPUs which the clients on its own part use, and reported to
// all clients there. Source: NVIDIA, Multi-Process Service, "Error Containment".
func (e *simulationRun) mpsClientsBeside(job int) []int {
	first := &e.jobStates[job].members[0]
	faulty := e.mpsParts(first)
	for _, other := range e.mpsClients(first.node, faulty) {
		for i := range e.jobStates[other].members {
			if m := &e.jobStates[other].members[i]; m.node == first.node && usesAny(m, faulty) {
				faulty = append(faulty, e.mpsParts(m)...)
			}
		}
	}
	return slices.DeleteFunc(e.mpsClients(first.node, faulty), func(other int) bool { return other == job })
}

// mpsParts are the parts of GPUs of a member which an MPS server serves.
func (e *simulationRun) mpsParts(m *jobMember) []gpuPart {
	var parts []gpuPart
	for _, at := range m.replicas {
		if sharing := e.cluster.nodes[m.node].sharingOf(at.gpu); sharing.MPS {
			parts = append(parts, at)
		}
	}
	return parts
}

// mpsClients are the jobs with processes on any of some parts of a node's GPUs, in order.
func (e *simulationRun) mpsClients(node int, parts []gpuPart) []int {
	var jobs []int
	allocations := e.cluster.snapshot.NodeState(node).Allocations()
	for i := range allocations {
		job := jobOf(allocations[i].Holder)
		s := &e.jobStates[job]
		if s.hasProcesses() && slices.ContainsFunc(s.members, func(m jobMember) bool { return m.node == node && usesAny(&m, parts) }) {
			jobs = append(jobs, job)
		}
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}

func usesAny(m *jobMember, parts []gpuPart) bool {
	return slices.ContainsFunc(m.replicas, func(at gpuPart) bool { return slices.Contains(parts, at) })
}
