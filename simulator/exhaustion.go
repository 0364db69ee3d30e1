package simulator

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// claimMemory takes the memory that a job really uses; without enough of it nothing is
// taken, and the name of the node returned on which it runs short.
func (e *engine) claimMemory(job int) (string, bool) {
	j, s := &e.Jobs[job], &e.jobs[job]
	if !j.Ask.gpus() {
		return "", false
	}
	for i := range s.members {
		m := &s.members[i]
		n := e.nodes[m.node]
		terms := e.requestOf(j.Ask).termsOn(n.Inventory)
		for k := range m.grants {
			if n.enough(&m.grants[k], &terms) {
				continue
			}
			e.giveBack(j, s.members[:i], len(m.grants))
			e.giveBack(j, s.members[i:i+1], k)
			return n.Name, true
		}
	}
	return "", false
}

// enough allocates the memory behind one grant, if it is there.
func (n *nodeState) enough(grant *placement.DeviceAllocation, terms *Terms) bool {
	offer := &n.Inventory.Devices[grant.Device]
	all := n.Inventory.Node.GPUs[offer.GPU].Model.Usable()
	if terms.Unisolated {
		if n.used[offer.GPU]+terms.Uses > all {
			return false
		}
		n.used[offer.GPU] += terms.Uses
		return true
	}
	granted := offer.Memory
	if offer.Form == placement.Share && grant.Bytes > 0 {
		granted = grant.Bytes
	}
	return terms.Uses <= granted
}

// forget gives back the memory that a job allocated.
func (e *engine) forget(job int) {
	j, s := &e.Jobs[job], &e.jobs[job]
	if j.Ask.gpus() {
		for i := range s.members {
			e.giveBack(j, s.members[i:i+1], len(s.members[i].grants))
		}
	}
}

// giveBack undoes enough for the first grants of each member.
func (e *engine) giveBack(j *Job, members []member, grants int) {
	for i := range members {
		m := &members[i]
		n := e.nodes[m.node]
		if terms := e.requestOf(j.Ask).termsOn(n.Inventory); terms.Unisolated {
			for _, grant := range m.grants[:min(grants, len(m.grants))] {
				n.used[n.Inventory.Devices[grant.Device].GPU] -= terms.Uses
			}
		}
	}
}

// crash is a job that found too little memory: it starts again in its place after a
// while, as the kubelet does it, until it is given up.
func (e *engine) crash(job int, node string) error {
	s := &e.jobs[job]
	e.meter.exhausted++
	s.restarts++
	e.log.write(line{At: e.now, Event: "out-of-memory", Job: e.Jobs[job].Name, Node: node})
	if s.restarts > maxRestarts {
		e.fail(job, OutOfMemory)
		return e.tryAll()
	}
	s.phase = crashed
	e.agenda.plan(Event{At: e.now + restartDelay(s.restarts), Kind: Restart, Job: job, Node: -1, attempt: s.attempt})
	return nil
}

// restart loads a job again.
func (e *engine) restart(job int) error {
	s := &e.jobs[job]
	s.phase = loading
	e.agenda.plan(Event{At: e.now + e.Jobs[job].Loads, Kind: Ready, Job: job, Node: -1, attempt: s.attempt})
	return nil
}

// nominalShare is the memory that a time-sliced part of a GPU is booked with: nothing
// reserves any, but a share of 0 bytes would be all of it.
const nominalShare = topology.MiB

// TimeSliced is a request for count replicas of GPUs that are handed out to replicas
// holders each, without a part of the memory of their own. accepts are the shares.
func TimeSliced(count, replicas int, accepts placement.DeviceSet) *placement.Request {
	return &placement.Request{Parts: []placement.Part{{
		Count: count, Bytes: nominalShare, Compute: topology.WholeGPU / topology.MilliGPU(max(1, replicas)), Accepts: accepts,
	}}}
}
