package simulator

import "github.com/ashlar-dev/ashlar/topology/placement"

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
			if n.claimDevice(m, k, &request) {
				continue
			}
			e.returnMemory(j, s.members[:i], len(m.devices))
			e.returnMemory(j, s.members[i:i+1], k)
			return n.Name, true
		}
	}
	return "", false
}

// claimDevice allocates the memory that a member uses on its device k, if it is there.
func (n *nodeState) claimDevice(m *jobMember, k int, request *NodeRequest) bool {
	if request.Replica {
		at := m.replicas[k]
		sharing, part := n.sharingOf(at.gpu), &n.parts[at.gpu][at.part]
		if part.inUse+request.UsesMemory > sharing.Memory || sharing.MPS && request.UsesMemory > sharing.ClientLimit {
			return false
		}
		part.inUse += request.UsesMemory
		return true
	}
	allocation := &m.devices[k]
	device := &n.Inventory.Devices[allocation.Device]
	granted := device.Memory
	if device.Form == placement.Share && allocation.Bytes > 0 {
		granted = allocation.Bytes
	}
	return request.UsesMemory <= granted
}

// releaseMemory gives back the memory that a job allocated.
func (e *simulationRun) releaseMemory(job int) {
	j, s := &e.input.Jobs[job], &e.jobStates[job]
	if j.Template.wantsGPUs() {
		for i := range s.members {
			e.returnMemory(j, s.members[i:i+1], len(s.members[i].devices))
		}
	}
}

// returnMemory undoes claimDevice for the first devices of each member.
func (e *simulationRun) returnMemory(j *Job, members []jobMember, count int) {
	for i := range members {
		m := &members[i]
		n := e.cluster.nodes[m.node]
		if request := e.cluster.requestOf(j.Template).resolveFor(n.Inventory); request.Replica {
			for _, at := range m.replicas[:min(count, len(m.replicas))] {
				n.parts[at.gpu][at.part].inUse -= request.UsesMemory
			}
		}
	}
}

// jobOutOfMemory plans that a job that found too little memory starts again in its place
// after a while, as the kubelet does it; after maxRestarts it fails.
func (e *simulationRun) jobOutOfMemory(job int, node string) error {
	s := &e.jobStates[job]
	e.counters.outOfMemory++
	s.restarts++
	e.log.writeLine(logLine{At: e.now, Event: "out-of-memory", Job: e.input.Jobs[job].Name, Node: node})
	if s.restarts > maxRestarts {
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
