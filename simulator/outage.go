package simulator

// nodeJoins lets a node join, or come back.
func (e *simulationRun) nodeJoins(node int) error {
	n := e.cluster.nodes[node]
	if !n.up {
		e.counters.countUp(n, 1)
	}
	n.up, n.draining = true, false
	e.cluster.snapshot.SetSchedulable(node, true)
	e.changes++
	e.log.writeLine(logLine{At: e.now, Event: LogNodeUp, Node: n.Name})
	return e.tryAll()
}

// nodeFails ends all that runs on a node. It comes back without MIG instances, which do
// not survive a reset.
func (e *simulationRun) nodeFails(event nodeDown) error {
	n := e.cluster.nodes[event.node]
	e.log.writeLine(logLine{At: e.now, Event: LogNodeDown, Node: n.Name})
	if n.up {
		e.counters.countUp(n, -1)
	}
	n.up = false
	e.cluster.snapshot.SetSchedulable(event.node, false)
	e.planReturn(event.node, event.lasts)
	e.counters.evictions += e.endAll(event.node, LogLost)
	for gpu := range n.layouts {
		n.layouts[gpu] = nil
	}
	return e.tryAll()
}

// nodeDrains closes a node to new members.
func (e *simulationRun) nodeDrains(event nodeDrain) error {
	n := e.cluster.nodes[event.node]
	e.log.writeLine(logLine{At: e.now, Event: LogNodeDrain, Node: n.Name})
	n.draining = true
	e.cluster.snapshot.SetSchedulable(event.node, false)
	e.planReturn(event.node, event.lasts)
	if event.grace > 0 {
		e.events.pushEvent(e.now+event.grace, nodeEvict{nodeSubject{event.node}, n.outage})
	}
	return nil
}

// planReturn numbers the outage that begins, and plans its end unless it lasts for ever
// (0).
func (e *simulationRun) planReturn(node int, lasts Time) {
	n := e.cluster.nodes[node]
	n.outage++
	if lasts > 0 {
		e.events.pushEvent(e.now+lasts, nodeUp{nodeSubject{node}, n.outage})
	}
}

// evictAll ends what still runs on a draining node.
func (e *simulationRun) evictAll(node int) error {
	e.counters.evictions += e.endAll(node, LogEvicted)
	return e.tryAll()
}

// endAll interrupts every job with a member on a node and returns how many.
func (e *simulationRun) endAll(node int, why LogEvent) int64 {
	ended := int64(0)
	for held := e.cluster.snapshot.NodeState(node); len(held.Allocations()) > 0; ended++ {
		e.interruptJob(jobOf(held.Allocations()[0].Holder), why)
	}
	return ended
}
