package cluster

import "github.com/ashlar-dev/ashlar/topology"

// roomIndex is a binary tree over the nodes with the most that is left of any host below
// each of its places, so that hosts without room are passed over together. Nodes without
// GPUs and closed ones have nothing left here.
type roomIndex struct {
	// leaves is a power of two: node i is at place leaves+i, and what is above place p is
	// at p/2.
	leaves int
	most   []topology.HostResources
	// position is up to where in the change log the tree is true, noPosition before it was
	// filled for so many nodes.
	position int64
	nodes    int
}

// noPosition is that of an index that was never filled.
const noPosition int64 = -1

// noRoom is less than any pod takes.
var noRoom = topology.HostResources{CPU: -1, Memory: -1}

// leavesFor is the smallest power of two that is not less than the number of nodes.
func leavesFor(nodes int) int {
	leaves := 1
	for leaves < nodes {
		leaves *= 2
	}
	return leaves
}

// refreshRooms brings the tree up to what the nodes are now.
func (s *Snapshot) refreshRooms() *roomIndex {
	x := &s.roomIndex
	changed, known := s.changes.changedSince(x.position)
	if !known || x.nodes != len(s.nodes) {
		x.nodes, x.leaves = len(s.nodes), leavesFor(len(s.nodes))
		x.most = make([]topology.HostResources, 2*x.leaves)
		for place := x.leaves; place < 2*x.leaves; place++ {
			x.most[place] = s.roomAt(place - x.leaves)
		}
		for place := x.leaves - 1; place > 0; place-- {
			x.most[place] = largerRoom(x.most[2*place], x.most[2*place+1])
		}
	}
	for _, node := range changed {
		place := x.leaves + int(node)
		x.most[place] = s.roomAt(int(node))
		for place /= 2; place > 0; place /= 2 {
			most := largerRoom(x.most[2*place], x.most[2*place+1])
			if most == x.most[place] {
				break
			}
			x.most[place] = most
		}
	}
	x.position = s.changes.endPosition()
	return x
}

// roomAt is what a pod with GPUs finds left of the host of a node.
func (s *Snapshot) roomAt(node int) topology.HostResources {
	if node >= len(s.rooms) || s.rooms[node].closed || s.rooms[node].class == noClass {
		return noRoom
	}
	return s.rooms[node].free
}

// largerRoom is the most of each resource.
func largerRoom(a, b topology.HostResources) topology.HostResources {
	return topology.HostResources{CPU: max(a.CPU, b.CPU), Memory: max(a.Memory, b.Memory)}
}
