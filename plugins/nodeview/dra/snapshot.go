package dra

import (
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NodeSnapshot is the nodes whose GPUs claims may have, with who holds what: the same
// cluster.Snapshot from one cycle to the next, in which only what changed is written. Nodes
// are numbered in the order of their names, and holders are UIDs of claims.
type NodeSnapshot struct {
	*cluster.Snapshot
	source  *Source
	names   []string
	numbers map[string]int
	// pools are the nodes' first pools of GPUs.
	pools []*Pool
	// plain says of each node that its state says all that decides what fits: nothing is held
	// through another driver, or consumed but memory.
	plain []bool
	// alone says of each node that its GPUs are all that is published there, and understood.
	alone      []bool
	generation int64
	rankings   rankingCache
	version    int64
}

// Version changes whenever a node, or who holds what of it, does.
func (n *NodeSnapshot) Version() int64 { return n.version }

// NumberOf is the number of a node, false if it has no GPUs that are understood.
func (n *NodeSnapshot) NumberOf(node string) (int, bool) {
	number, found := n.numbers[node]
	return number, found
}

// CliqueOf is the NVLink clique that node i's GPUs are in, "" if they are in none. Nodes of several cliques
// may have one inventory, which does not tell.
func (n *NodeSnapshot) CliqueOf(i int) string { return n.pools[i].gpus.reading.Node.GPUs[0].Clique }

// NodeName is the name of node i.
func (n *NodeSnapshot) NodeName(i int) string { return n.names[i] }

// Snapshot is the nodes as this cycle sees them. It must not be kept beyond the cycle, and
// what a fork changes must be reverted within it.
func (c *Cycle) Snapshot() *NodeSnapshot {
	s := c.source
	if s.snapshot == nil {
		s.snapshot = &NodeSnapshot{source: s}
	}
	s.snapshot.update()
	return s.snapshot
}

// update takes what changed since the last cycle.
func (n *NodeSnapshot) update() {
	moved, all := n.source.ledger.takeMoved()
	index := &n.source.pools
	if n.Snapshot == nil || n.generation != index.generation {
		n.generation = index.generation
		names := slices.Sorted(maps.Keys(index.gpusByNode))
		if n.Snapshot == nil || !slices.Equal(names, n.names) {
			n.build(names)
			return
		}
		for i, name := range names {
			p := index.gpuPool(name)
			if p != n.pools[i] {
				n.setNode(i, p)
			}
			n.alone[i] = index.isAlone(p)
		}
	}
	if all {
		for i, p := range n.pools {
			n.setNode(i, p)
		}
		return
	}
	for name := range moved {
		if i, found := n.numbers[name]; found {
			n.setNode(i, n.pools[i])
		}
	}
}

// build numbers the nodes anew.
func (n *NodeSnapshot) build(names []string) {
	n.names, n.numbers = names, make(map[string]int, len(names))
	n.pools, n.plain, n.alone = make([]*Pool, len(names)), make([]bool, len(names)), make([]bool, len(names))
	n.Snapshot = cluster.NewSnapshot(nil)
	n.rankings.forgetAll()
	for i, name := range names {
		n.numbers[name] = i
		n.AddNode(cluster.Node{Name: name, Domain: cluster.NoDomain})
		p := n.source.pools.gpuPool(name)
		n.setNode(i, p)
		n.alone[i] = n.source.pools.isAlone(p)
	}
}

// setNode writes what node i has, and who holds it.
func (n *NodeSnapshot) setNode(i int, p *Pool) {
	n.pools[i] = p
	n.version++
	ledger := n.source.ledger
	held, known := ledger.holdersOn(p)
	if !known {
		if devices := ledger.allocated.ofPool(p).devices; len(devices) > 0 {
			held = []placement.Allocation{{Devices: devices}}
		}
	}
	n.plain[i] = ledger.saysAll(p)
	n.SetNode(i, cluster.Node{Name: n.names[i], Inventory: p.gpus.inventory, Domain: cluster.NoDomain}, held)
}

// isAlone reports whether a pool is all that is published on its node, and all of it is understood.
func (x *poolIndex) isAlone(p *Pool) bool {
	return len(x.byNode[p.Node]) == 1 && len(x.passedOn[p.Node]) == 0 && len(p.gpus.unsupported) == 0
}

// saysAll reports whether what is held of a pool's GPUs says all that decides what fits there.
func (l *claimLedger) saysAll(p *Pool) bool {
	of := l.allocated.ofPool(p)
	if len(of.twinHeld) > 0 {
		return false
	}
	for _, at := range of.inUse {
		amounts, shared := l.state.AggregatedCapacity[p.deviceNames()[at]]
		if !shared {
			continue
		}
		i, understood := p.gpus.reading.DeviceNamed(p.Devices[at].Name)
		if !understood || p.gpus.inventory.Devices[i].Form != placement.Share {
			return false
		}
		for name := range amounts {
			if !isMemory(p.Driver, name) {
				return false
			}
		}
	}
	return true
}
