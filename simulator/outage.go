package simulator

// nodeUp lets a node join, or come back.
func (e *engine) nodeUp(node int) error {
	n := e.nodes[node]
	if !n.up {
		e.meter.nodes(n, 1)
	}
	n.up, n.draining = true, false
	e.snapshot.SetSchedulable(node, true)
	e.changes++
	e.log.write(line{At: e.now, Event: "node-up", Node: n.Name})
	return e.tryAll()
}

// nodeDown ends all that runs on a node. It comes back without MIG instances, which do
// not survive a reset.
func (e *engine) nodeDown(event *Event) error {
	n := e.nodes[event.Node]
	e.log.write(line{At: e.now, Event: "node-down", Node: n.Name})
	if n.up {
		e.meter.nodes(n, -1)
	}
	n.up = false
	e.snapshot.SetSchedulable(event.Node, false)
	e.planReturn(event)
	e.meter.evictions += e.endAll(event.Node, "lost")
	for gpu := range n.sliced {
		n.sliced[gpu] = nil
	}
	return e.tryAll()
}

// nodeDrain closes a node to new members.
func (e *engine) nodeDrain(event *Event) error {
	n := e.nodes[event.Node]
	e.log.write(line{At: e.now, Event: "node-drain", Node: n.Name})
	n.draining = true
	e.snapshot.SetSchedulable(event.Node, false)
	e.planReturn(event)
	if event.grace > 0 {
		e.agenda.plan(Event{At: e.now + event.grace, Kind: NodeEvict, Job: -1, Node: event.Node, attempt: n.outage})
	}
	return nil
}

// planReturn ends an outage after its time, which the event carries as its attempt.
func (e *engine) planReturn(event *Event) {
	n := e.nodes[event.Node]
	n.outage++
	if event.attempt > 0 {
		e.agenda.plan(Event{At: e.now + Time(event.attempt), Kind: NodeUp, Job: -1, Node: event.Node, attempt: n.outage})
	}
}

// nodeEvict ends what still runs on a draining node.
func (e *engine) nodeEvict(node int) error {
	e.meter.evictions += e.endAll(node, "evicted")
	return e.tryAll()
}

// endAll interrupts every job with a member on a node and returns how many.
func (e *engine) endAll(node int, why string) int64 {
	ended := int64(0)
	for held := e.snapshot.NodeState(node); len(held.Allocations()) > 0; ended++ {
		e.interrupt(jobOf(held.Allocations()[0].Holder), why)
	}
	return ended
}
