package simulator

import "github.com/ashlar-dev/ashlar/topology"

// growthSteps is in how many steps memory grows.
const growthSteps = 16

// MemoryGrowth is memory that a job allocates while it runs, as caches and allocators that keep
// what they freed do: linearly from NodeRequest.UsesMemory to To over the time Over, on each
// GPU, slice or share. A job that finds none left, or goes past what is its own, runs out of
// memory as one that starts does.
type MemoryGrowth struct {
	To   topology.Bytes
	Over Time
}

// planGrowth plans the next step of a running job's memory.
func (e *simulationRun) planGrowth(job int) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if j.Growth.To > 0 && j.Template.wantsGPUs() && s.grownSteps < growthSteps {
		e.events.pushEvent(e.now+max(1, j.Growth.Over/growthSteps), memoryGrowth{jobSubject{job}, s.attempt})
	}
}

// jobGrows takes a step of a running job's memory on all that it holds, or ends the job.
func (e *simulationRun) jobGrows(job int) error {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if s.phase != running {
		return nil
	}
	e.returnMemory(j, s, len(s.members), 0)
	s.grownSteps++
	if node, short := e.claimMemory(job); short {
		s.grownSteps-- // claimMemory gave back what it took, and the job ends
		lost := e.loseWork(job)
		e.leaveContention(job)
		if e.now-s.readyAt >= restartForgotten {
			s.restarts = 0
		}
		s.attempt++
		return e.jobOutOfMemory(job, node, lost)
	}
	e.planGrowth(job)
	return nil
}

// usesNow is what a member uses of each of its devices, with what it grew by.
func (j *Job) usesNow(request *NodeRequest, steps int) topology.Bytes {
	if j.Growth.To <= request.UsesMemory || steps == 0 {
		return request.UsesMemory
	}
	return request.UsesMemory + (j.Growth.To-request.UsesMemory)/growthSteps*topology.Bytes(steps)
}
