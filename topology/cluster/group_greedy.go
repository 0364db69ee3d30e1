package cluster

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// memberHolder holds what members are given while the others are placed.
const memberHolder placement.HolderID = "a group's member"

// shapeOrders lists the orders in which members are placed one after the other: those that
// have the fewest places for each of them first, and those that take the most first.
func (g *groupSearch) shapeOrders(room []int) [][]int {
	scarce := make([]int, len(g.shapes))
	for k := range scarce {
		scarce[k] = k
	}
	large := slices.Clone(scarce)
	slices.SortStableFunc(scarce, func(a, b int) int {
		// Pods without GPUs are in the way of others, and go last.
		if c := boolOrder(g.shapes[a].ranking != nil, g.shapes[b].ranking != nil); c != 0 {
			return c
		}
		return cmp.Compare(room[a]*len(g.shapes[b].members), room[b]*len(g.shapes[a].members))
	})
	slices.SortStableFunc(large, func(a, b int) int { return cmp.Compare(g.mostNeeded(b), g.mostNeeded(a)) })
	if slices.Equal(scarce, large) {
		return [][]int{scarce}
	}
	return [][]int{scarce, large}
}

// mostNeeded is the most that a member of a shape takes at least of a node's GPUs.
func (g *groupSearch) mostNeeded(k int) topology.MilliGPU {
	most := topology.MilliGPU(0)
	for _, m := range g.makes {
		most = max(most, m.needs[k])
	}
	return most
}

// placeInTurn places the members shape by shape, each where it suits it best beside those
// before it.
func (g *groupSearch) placeInTurn(nodes, order []int) bool {
	g.snapshot.Fork()
	defer g.snapshot.Revert()
	for _, k := range order {
		queue := nodeQueue{shape: &g.shapes[k], search: g, snapshot: g.snapshot}
		for _, node := range nodes {
			if g.cellOf[node].room[k] > 0 {
				queue.offerNode(node)
			}
		}
		heap.Init(&queue)
		for _, member := range g.shapes[k].members {
			if len(queue.offers) == 0 {
				return false
			}
			offer := queue.offers[0]
			g.placed[member] = offer
			g.snapshot.RecordAllocation(offer.Node, placement.Allocation{Holder: memberHolder, Host: g.shapes[k].host, Devices: offer.Devices})
			queue.renewFirst()
		}
	}
	return true
}

// nodeQueue is the nodes that have room for a member, the best first.
type nodeQueue struct {
	search   *groupSearch
	snapshot *Snapshot
	shape    *groupShape
	offers   []Decision
}

// offerNode adds a node if a member fits there now.
func (q *nodeQueue) offerNode(node int) bool {
	if !q.shape.host.Within(q.search.freeHost(node)) {
		return false
	}
	r := q.shape.ranking
	if r == nil {
		q.offers = append(q.offers, Decision{Node: node})
		return true
	}
	r.refreshAnswers()
	a := r.answerOn(node)
	if !a.fits {
		return false
	}
	q.offers = append(q.offers, Decision{Node: node, NodeScore: NodeScore{Rating: a.rating}, Devices: r.devicesOf(node, a)})
	return true
}

// renewFirst asks the first node again, whose state has changed.
func (q *nodeQueue) renewFirst() {
	if !q.shape.onePerNode && q.offerNode(q.offers[0].Node) {
		last := len(q.offers) - 1
		q.offers[0] = q.offers[last]
		q.offers = q.offers[:last]
		heap.Fix(q, 0)
		return
	}
	heap.Pop(q)
}

// Len implements heap.Interface.
func (q *nodeQueue) Len() int { return len(q.offers) }

// Less implements heap.Interface: the order of nodes, and for pods without GPUs where the
// fewest GPUs are free.
func (q *nodeQueue) Less(i, j int) bool {
	a, b := &q.offers[i], &q.offers[j]
	if q.shape.ranking == nil {
		return cmp.Or(cmp.Compare(q.freeGPUs(a.Node), q.freeGPUs(b.Node)), cmp.Compare(a.Node, b.Node)) < 0
	}
	return cmp.Or(CompareNodes(a.NodeScore, b.NodeScore), cmp.Compare(a.Node, b.Node)) < 0
}

// freeGPUs is how many GPUs are free on a node, -1 where there are none at all.
func (q *nodeQueue) freeGPUs(node int) int {
	if q.snapshot.rooms[node].class == noClass {
		return -1
	}
	return q.snapshot.nodes[node].state.GPUs().FreeGPUs().Len()
}

// Swap implements heap.Interface.
func (q *nodeQueue) Swap(i, j int) { q.offers[i], q.offers[j] = q.offers[j], q.offers[i] }

// Push implements heap.Interface.
func (q *nodeQueue) Push(offer any) { q.offers = append(q.offers, offer.(Decision)) }

// Pop implements heap.Interface.
func (q *nodeQueue) Pop() any {
	last := len(q.offers) - 1
	offer := q.offers[last]
	q.offers = q.offers[:last]
	return offer
}
