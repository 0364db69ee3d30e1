package simulator

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// claimMemory allocates the memory that a job really uses. If some node has too little,
// nothing is allocated, and short is true with the node's name.
func (e *simulationRun) claimMemory(job int) (node string, short bool) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if !j.Template.wantsGPUs() {
		return "", false
	}
	for i := range s.members {
		m := &s.members[i]
		n := e.cluster.nodes[m.node]
		request := e.cluster.requestOf(j.Template).resolveFor(n.Inventory)
		for k := range m.devices {
			if n.claimDevice(m, k, &request, j.usesNow(&request, s.grownSteps)) {
				continue
			}
			e.returnMemory(j, s, i, k)
			return n.Name, true
		}
	}
	return "", false
}

// claimDevice allocates so much memory on a member's device k, if it is there.
func (n *nodeState) claimDevice(m *jobMember, k int, request *NodeRequest, uses topology.Bytes) bool {
	if request.Replica {
		at := m.replicas[k]
		sharing, part := n.sharingOf(at.gpu), &n.parts[at.gpu][at.part]
		if part.inUse+uses > sharing.Memory || sharing.MPS && uses > sharing.ClientLimit {
			return false
		}
		part.inUse += uses
		return true
	}
	allocation := &m.devices[k]
	device := &n.Inventory.Devices[allocation.Device]
	granted := device.Memory
	if device.Form == placement.Share && allocation.Bytes > 0 {
		granted = allocation.Bytes
	}
	return uses <= granted
}

// releaseMemory gives back the memory that a job allocated.
func (e *simulationRun) releaseMemory(job int) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if j.Template.wantsGPUs() {
		e.returnMemory(j, s, len(s.members), 0)
	}
	s.grownSteps = 0
}

// returnMemory undoes claimDevice for the first members, and for the first devices of the next.
func (e *simulationRun) returnMemory(j *Job, s *jobState, whole, next int) {
	for i := range s.members[:min(whole+1, len(s.members))] {
		m := &s.members[i]
		n := e.cluster.nodes[m.node]
		count := len(m.replicas)
		if i == whole {
			count = min(next, count)
		}
		if request := e.cluster.requestOf(j.Template).resolveFor(n.Inventory); request.Replica {
			for _, at := range m.replicas[:count] {
				n.parts[at.gpu][at.part].inUse -= j.usesNow(&request, s.grownSteps)
			}
		}
	}
}

// jobOutOfMemory plans that a job that found too little memory starts again in its place
// after a while, as the kubelet does it; after maxRestarts it fails.
func (e *simulationRun) jobOutOfMemory(job int, node string, lost Time) error {
	s := &e.jobStates[job]
	s.grownSteps = 0
	e.counters.outOfMemory++
	s.restarts++
	e.log.writeLine(logLine{At: e.now, Event: LogOutOfMemory, Job: e.input.Jobs[job].Name, Node: node, Lost: lost})
	if s.restarts > maxRestarts {
		s.phase = loading // it runs no more
		e.failJob(job, OutOfMemory)
		return e.tryAll()
	}
	s.phase = restarting
	e.events.pushEvent(e.now+restartDelay(s.restarts), containerRestart{jobSubject{job}, s.attempt})
	return nil
}

// jobRestarts loads a job again.
func (e *simulationRun) jobRestarts(job int) error {
	s := &e.jobStates[job]
	s.phase = loading
	e.events.pushEvent(e.now+e.input.Jobs[job].Loads, loadingDone{jobSubject{job}, s.attempt})
	return nil
}
