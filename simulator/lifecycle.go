package simulator

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// arrive puts a job into the queue and tries it.
func (e *engine) arrive(job int) error {
	j, s := &e.Jobs[job], &e.jobs[job]
	s.phase, s.left, s.arrived, s.queuedAt, s.firstPlaced = queued, j.Runs, e.now, e.now, -1
	e.meter.arrived++
	e.log.write(line{At: e.now, Event: "arrival", Job: j.Name, Class: j.Class, Priority: j.Priority, Ask: j.Ask.Name, Members: gangSize(j)})
	e.queue.add(job)
	if placed, err := e.try(job); placed || err != nil || s.phase != queued {
		return err
	}
	if j.Patience > 0 {
		e.agenda.plan(Event{At: e.now + j.Patience, Kind: GiveUp, Job: job, Node: -1})
	}
	return nil
}

// tryAll tries the jobs that wait, in the order of the queue.
func (e *engine) tryAll() error {
	next := Time(-1)
	e.tried = append(e.tried[:0], e.queue.jobs...) // what is tried leaves the queue, or joins it
	for _, job := range e.tried {
		s := &e.jobs[job]
		if s.phase != queued {
			continue
		}
		if s.notBefore > e.now {
			// What does not fit until room is made need not be looked at in time.
			if e.refused[s.demand] != e.changes && (next < 0 || s.notBefore < next) {
				next = s.notBefore
			}
			continue
		}
		if _, err := e.try(job); err != nil {
			return err
		}
	}
	if next >= 0 {
		e.planRetry(next)
	}
	return nil
}

// planRetry sees to it that the queue is tried at a time, if not before.
func (e *engine) planRetry(at Time) {
	if e.retryAt == 0 || at < e.retryAt {
		e.retryAt = at
		e.agenda.plan(Event{At: at, Kind: Retry, Job: -1, Node: -1})
	}
}

// try places a job if it fits, ending others for it if it may.
func (e *engine) try(job int) (bool, error) {
	j, s := &e.Jobs[job], &e.jobs[job]
	if e.refused[s.demand] != e.changes {
		members := e.place(j)
		if members == nil && e.Preemption == PreemptLower {
			var err error
			if members, err = e.preempt(job); err != nil {
				return false, err
			}
		}
		if members != nil {
			return true, e.start(job, members)
		}
		e.refused[s.demand] = e.changes
	}
	if s.failures++; s.failures == 1 {
		if e.hopeless(j) {
			e.fail(job, NeverFits)
			return false, nil
		}
		e.log.write(line{At: e.now, Event: "waits", Job: j.Name})
	}
	s.notBefore = e.now + backoff(s.failures)
	return false, nil
}

// hopeless reports whether a job would not even fit on the empty cluster.
func (e *engine) hopeless(j *Job) bool {
	key := demandOf(j)
	key.priority = 0
	never, known := e.never[key]
	if !known {
		if e.vacant == nil {
			e.vacant = e.emptyCluster()
		}
		never = e.vacant.place(j) == nil
		e.never[key] = never
	}
	return never
}

// start gives a job its place.
func (e *engine) start(job int, members []member) error {
	j, s := &e.Jobs[job], &e.jobs[job]
	e.queue.remove(job)
	reslices, part := int64(0), int64(0)
	for i := range members {
		m := &members[i]
		n := e.nodes[m.node]
		if n.Inventory != nil {
			e.meter.gpus(n, n.Inventory.GPUsOf(m.grants)&e.snapshot.NodeState(m.node).GPUs().FreeGPUs(), 1)
		}
		if err := e.allocate(job, j, m); err != nil {
			return fmt.Errorf("what was decided cannot be had: %w", err)
		}
		for k := range m.grants {
			offer := &n.Inventory.Devices[m.grants[k].Device]
			if n.sliced[offer.GPU].take(offer) {
				reslices++
			}
			part += n.part(&m.grants[k])
		}
	}
	e.observe(j, members)
	s.members, s.part = members, part
	e.meter.allocated += part
	e.meter.reslices += reslices
	e.holding[j.Priority]++
	s.attempt++
	s.failures = 0
	s.phase, s.placedAt = loading, e.now
	s.waited += e.now - s.queuedAt
	if s.firstPlaced < 0 {
		s.firstPlaced = e.now
	}
	delay := j.Loads
	if reslices > 0 {
		delay += e.Reslice
	}
	e.measureBandwidth(job)
	e.log.write(line{At: e.now, Event: "placed", Job: j.Name, On: e.places(members), Reslices: reslices})
	e.agenda.plan(Event{At: e.now + delay, Kind: Ready, Job: job, Node: -1, attempt: s.attempt})
	return nil
}

// observe teaches the forecast what a job takes, once for each start: looking for a place
// must not teach it anything.
func (e *engine) observe(j *Job, members []member) {
	if e.forecast == nil {
		return
	}
	for i := range members {
		if m := &members[i]; len(m.grants) > 0 {
			e.forecast.ObservePod(int64(j.Host.CPU), e.nodes[m.node].Inventory, m.grants)
		}
	}
}

// stop takes a job's place away.
func (e *engine) stop(job int) {
	j, s := &e.Jobs[job], &e.jobs[job]
	if s.phase == running {
		e.forget(job)
	}
	for i := range s.members {
		node := s.members[i].node
		n := e.nodes[node]
		var gpus placement.GPUSet
		for _, a := range e.snapshot.ReleaseHolder(node, holderOf(job)) { // of all members there
			if n.Inventory != nil {
				gpus |= n.Inventory.GPUsOf(a.Devices)
			}
		}
		if gpus != 0 {
			e.meter.gpus(n, gpus&e.snapshot.NodeState(node).GPUs().FreeGPUs(), -1)
		}
	}
	e.meter.allocated -= s.part
	s.members, s.part = nil, 0
	if e.holding[j.Priority]--; e.holding[j.Priority] == 0 {
		delete(e.holding, j.Priority)
	}
	e.changes++
}

// ready begins a job's work, unless the memory is not there that it needs.
func (e *engine) ready(job int) error {
	s := &e.jobs[job]
	if node, short := e.claimMemory(job); short {
		return e.crash(job, node)
	}
	s.phase, s.readyAt = running, e.now
	e.log.write(line{At: e.now, Event: "ready", Job: e.Jobs[job].Name})
	e.agenda.plan(Event{At: e.now + s.left, Kind: Departure, Job: job, Node: -1, attempt: s.attempt})
	return nil
}

// depart ends a job whose work is done.
func (e *engine) depart(job int) error {
	s := &e.jobs[job]
	e.meter.served += int64(e.now-s.readyAt) * s.part
	e.stop(job)
	s.phase, s.left = finished, 0
	e.log.write(line{At: e.now, Event: "departure", Job: e.Jobs[job].Name})
	return e.tryAll()
}

// interrupt ends a job before its time and puts it back into the queue, without the
// work since its last checkpoint.
func (e *engine) interrupt(job int, why string) {
	j, s := &e.Jobs[job], &e.jobs[job]
	lost := Time(0)
	if s.phase == running {
		lost = e.now - s.readyAt
		if j.Checkpoint > 0 {
			kept := lost / j.Checkpoint * j.Checkpoint
			lost -= kept
			s.left -= kept
			e.meter.served += int64(kept) * s.part
		}
	}
	e.meter.lost += int64(lost) * s.part
	e.log.write(line{At: e.now, Event: why, Job: j.Name, Lost: lost})
	e.stop(job)
	s.phase, s.queuedAt, s.failures, s.restarts = queued, e.now, 0, 0
	s.notBefore = e.now + firstBackoff
	e.queue.add(job)
	e.planRetry(s.notBefore)
}

// fail gives a job up.
func (e *engine) fail(job int, reason Failure) {
	s := &e.jobs[job]
	if s.holds() {
		e.stop(job)
	} else {
		e.queue.remove(job)
		s.waited += e.now - s.queuedAt
	}
	s.phase, s.reason = failed, string(reason)
	e.log.write(line{At: e.now, Event: "failed", Job: e.Jobs[job].Name, Reason: string(reason)})
}

// Failure is why a job was given up.
type Failure string

// The failures.
const (
	NeverFits   Failure = "never fits"    // not even on the empty cluster
	GaveUp      Failure = "gave up"       // waited longer than its patience
	OutOfMemory Failure = "out of memory" // ran out of memory again and again
)

// gangSize is a job's members for the log, 0 unless it is a gang.
func gangSize(j *Job) int {
	if j.Members == 1 {
		return 0
	}
	return j.Members
}

// measureBandwidth notes which part of the best possible bandwidth a job on several
// GPUs of a node got: that of its slowest member.
func (e *engine) measureBandwidth(job int) {
	j, s := &e.Jobs[job], &e.jobs[job]
	least := -1.0
	for i := range s.members {
		m := &s.members[i]
		if len(m.grants) < 2 {
			continue
		}
		inv := e.nodes[m.node].Inventory
		best := j.Best
		if best == 0 {
			best = e.bestOn(inv, j.Ask)
		}
		if best == 0 || inv.Devices[m.grants[0].Device].Form != placement.Whole {
			continue
		}
		part := float64(inv.RingBandwidth(inv.GPUsOf(m.grants))) / float64(best)
		if least < 0 || part < least {
			least = part
		}
	}
	if least >= 0 {
		e.meter.bandwidth(j.Class, min(1, least))
	}
}

// bestOn is the bandwidth that an ask gets on a free node of one make.
func (e *engine) bestOn(inv *placement.Inventory, ask *Ask) int64 {
	key := makeAsk{inv, ask}
	best, known := e.meter.best[key]
	if !known {
		request := e.requestOf(ask).termsOn(inv).Request
		verdict := e.placer.Place(inv, placement.NewGPUStates(inv), request, placement.KeepPlaceable{})
		best = verdict.Rating.Bandwidth
		e.meter.best[key] = best
	}
	return best
}

type makeAsk struct {
	inv *placement.Inventory
	ask *Ask
}
