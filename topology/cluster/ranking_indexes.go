package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// rankingIndexes are those of one ranking: one for its ratings alone, and one for each
// amount of the host beside which a forecast prices them.
type rankingIndexes struct {
	kept []*nodeIndex
	// asked counts the questions, and once has what was asked lately without an index:
	// what is asked only once gets none.
	asked int64
	once  []indexKey
}

// indexKey says what an index is of.
type indexKey struct {
	// priced says that its scores have costs, for pods that take host.
	priced bool
	host   topology.HostResources
}

// maxIndexes bounds the indexes of a ranking. Each takes some 50 bytes a node.
const maxIndexes = 8

// bestIndexed is Best by an index. version is that of the forecast.
func (r *NodeRanking) bestIndexed(key indexKey, version int64, host topology.HostResources, cost ForecastCost) (best Decision, found bool) {
	x := r.indexFor(key)
	if x == nil {
		return r.scanNodes(host, cost)
	}
	if x.version != version {
		x.version, x.position = version, noPosition
	}
	r.refreshAnswers()
	r.refreshIndex(x, cost)
	node := x.firstWithRoom(r.snapshot, host)
	if node == noNode {
		return Decision{}, false
	}
	best = Decision{Node: int(node), NodeScore: x.scores[node]}
	best.Devices = r.devicesOf(best.Node, r.answerOn(best.Node))
	return best, true
}

// indexFor is the index to answer a question by, which may be out of date; nil if none is
// worth it.
func (r *NodeRanking) indexFor(key indexKey) *nodeIndex {
	i := &r.indexes
	i.asked++
	var oldest *nodeIndex
	for _, x := range i.kept {
		if x.key == key {
			x.asked = i.asked
			return x
		}
		if oldest == nil || x.asked < oldest.asked {
			oldest = x
		}
	}
	if !slices.Contains(i.once, key) {
		if len(i.once) == maxIndexes {
			i.once = slices.Delete(i.once, 0, 1)
		}
		i.once = append(i.once, key)
		return nil
	}
	if len(i.kept) < maxIndexes {
		r.snapshot.changes.kept = true
		oldest = &nodeIndex{}
		i.kept = append(i.kept, oldest)
	} else if i.asked-oldest.asked < 4*maxIndexes {
		return nil // all are in use: making one over for each question would take longer
	}
	oldest.key, oldest.position, oldest.asked = key, noPosition, i.asked
	return oldest
}
