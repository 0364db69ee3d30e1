package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
)

// nodeIndex is a tournament between the nodes on which a pod fits: at each place of a
// binary tree the best node below it stands. It follows the snapshot's changes, so that
// the best of all is found without a look at every node. Rooms of hosts are not in it:
// they are the snapshot's, the same for all rankings.
type nodeIndex struct {
	leaves int
	// best is by place, as in roomIndex: the node that wins there, noNode if the pod fits on
	// none below.
	best []int32
	// scores are by node, true of those on which the pod fits.
	scores []NodeScore
	// position is up to where in the change log the index is true.
	position int64
	// key is what it is of, and version that of the forecast whose costs the scores have.
	key     indexKey
	version int64
	// asked is when it was last asked, counted in questions to the ranking.
	asked int64
}

// isBetter reports whether node a comes before node b.
func (x *nodeIndex) isBetter(a, b int32) bool {
	order := CompareNodes(x.scores[a], x.scores[b])
	return order < 0 || order == 0 && a < b
}

// winnerOf is the better of the nodes that won at two places.
func (x *nodeIndex) winnerOf(left, right int32) int32 {
	if left == noNode || right != noNode && x.isBetter(right, left) {
		return right
	}
	return left
}

// fillIndex asks every node.
func (r *NodeRanking) fillIndex(x *nodeIndex, cost ForecastCost) {
	nodes := len(r.snapshot.nodes)
	x.leaves = leavesFor(nodes)
	x.scores = make([]NodeScore, nodes)
	x.best = make([]int32, 2*x.leaves)
	for place := range x.best {
		x.best[place] = noNode
	}
	for node := range nodes {
		if r.scoreNode(x, node, cost) {
			x.best[x.leaves+node] = int32(node)
		}
	}
	for place := x.leaves - 1; place > 0; place-- {
		x.best[place] = x.winnerOf(x.best[2*place], x.best[2*place+1])
	}
}

// scoreNode notes how good a node is; false if the pod does not fit there.
func (r *NodeRanking) scoreNode(x *nodeIndex, node int, cost ForecastCost) bool {
	if r.snapshot.rooms[node].class == noClass {
		return false
	}
	a := r.answerOn(node)
	if !a.fits {
		return false
	}
	x.scores[node] = NodeScore{Rating: a.rating}
	if cost != nil {
		x.scores[node].ForecastCost = cost(node, r.devicesOf(node, a))
	}
	return true
}

// refreshIndex brings an index up to what the nodes are now.
func (r *NodeRanking) refreshIndex(x *nodeIndex, cost ForecastCost) {
	log := &r.snapshot.changes
	changed, known := log.changedSince(x.position)
	if !known || len(x.scores) != len(r.snapshot.nodes) {
		r.fillIndex(x, cost)
		changed = nil
	}
	for _, changedNode := range changed {
		node, before := int(changedNode), noNode
		place := x.leaves + node
		if x.best[place] != noNode {
			before = changedNode
		}
		score := x.scores[node]
		after := noNode
		if r.scoreNode(x, node, cost) {
			after = changedNode
		}
		if before == after && (after == noNode || score == x.scores[node]) {
			continue
		}
		x.best[place] = after
		for place /= 2; place > 0; place /= 2 {
			winner := x.winnerOf(x.best[2*place], x.best[2*place+1])
			if winner == x.best[place] && winner != changedNode {
				break // above it is compared with the same node as before
			}
			x.best[place] = winner
		}
	}
	x.position = log.endPosition()
}

// firstWithRoom is the best node whose host has room for the pod, noNode without any.
func (x *nodeIndex) firstWithRoom(s *Snapshot, host topology.HostResources) int32 {
	return x.searchBelow(1, s.refreshRooms(), s.rooms, host, noNode)
}

// searchBelow is the better of a node that was found before and those below a place. The
// side of the likely winner is searched first; the other then rarely has to be.
//
// Complexity: the depth of the tree, unless the hosts of the best nodes are full; at worst
// all nodes.
func (x *nodeIndex) searchBelow(place int, rooms *roomIndex, nodes []nodeRoom, host topology.HostResources, found int32) int32 {
	winner := x.best[place]
	if winner == noNode || found != noNode && !x.isBetter(winner, found) || !host.Within(rooms.most[place]) {
		return found
	}
	if nodes[winner].admitsPod(host) {
		return winner
	}
	if place >= x.leaves {
		return found
	}
	likely := 2 * place
	if x.best[likely] != winner {
		likely++
	}
	found = x.searchBelow(likely, rooms, nodes, host, found)
	return x.searchBelow(likely^1, rooms, nodes, host, found)
}
