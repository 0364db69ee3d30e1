package cluster

import (
	"cmp"
	"slices"
)

// CandidateQuery asks for the few best nodes for a pod.
type CandidateQuery struct {
	// Limit is how many candidates are wanted.
	Limit int
	// Kind tells apart nodes on which the same devices cost something else, or which somebody
	// else may like better than each other; nil if they are all alike.
	Kind func(node int) int64
	// Cost is of the forecast, nil for none. Nodes of one kind have the same.
	Cost ForecastCost
	// Admits says whether the pod may go to a node at all; nil if it may go to any. It is
	// asked about few nodes.
	Admits func(node int) bool
}

// nodeKind are the nodes that are equally good for a pod and alike in all that counts.
type nodeKind struct {
	answer *classAnswer
	score  NodeScore
	// next is the lowest number that was not taken yet, noNode at the end.
	next int32
}

const noNode int32 = -1

// Candidates are the best nodes for a pod, the better first; of equally good ones some of
// each kind, those with the lowest numbers. undecided are nodes for which the search was cut
// short, in their order.
//
// Complexity: one placement for each class that is new since the ranking was last asked, one
// cost for each kind, and a look-up for each node.
func (r *NodeRanking) Candidates(q *CandidateQuery) (best []Decision, undecided []int) {
	r.refreshAnswers()
	kinds, following, undecided := r.sortByKind(q)
	slices.SortFunc(kinds, func(a, b nodeKind) int { return cmp.Or(CompareNodes(a.score, b.score), cmp.Compare(a.next, b.next)) })
	for from := 0; from < len(kinds) && len(best) < q.Limit; {
		to := from + 1
		for to < len(kinds) && CompareNodes(kinds[from].score, kinds[to].score) == 0 {
			to++
		}
		best = r.takeInTurn(q, kinds[from:to], following, best)
		from = to
	}
	return best, undecided
}

// sortByKind sorts the nodes on which the pod fits by kind. following[i] is the next node of
// the kind of node i.
func (r *NodeRanking) sortByKind(q *CandidateQuery) (kinds []nodeKind, following []int32, undecided []int) {
	type kindKey struct {
		class int32
		key   AcceptanceKey
		kind  int64
	}
	rooms := r.snapshot.rooms
	following = make([]int32, len(rooms))
	known := map[kindKey]int{}
	var last kindKey
	at := -1
	for i := len(rooms) - 1; i >= 0; i-- { // backwards, so that each chain is in order
		room := &rooms[i]
		if room.class == noClass || room.closed {
			continue
		}
		a := r.answerOn(i)
		if a.undecided {
			undecided = append(undecided, i)
		}
		if !a.fits {
			continue
		}
		key := kindKey{class: room.class, key: a.key}
		if q.Kind != nil {
			key.kind = q.Kind(i)
		}
		if at < 0 || key != last {
			var found bool
			if at, found = known[key]; !found {
				at = len(kinds)
				known[key] = at
				kind := nodeKind{answer: a, score: NodeScore{Rating: a.rating}, next: noNode}
				if q.Cost != nil {
					kind.score.ForecastCost = q.Cost(i, r.devicesOf(i, a))
				}
				kinds = append(kinds, kind)
			}
			last = key
		}
		following[i] = kinds[at].next
		kinds[at].next = int32(i)
	}
	slices.Reverse(undecided)
	return kinds, following, undecided
}

// takeInTurn takes nodes that are equally good, one of each kind in turn, until there are
// enough.
func (r *NodeRanking) takeInTurn(q *CandidateQuery, kinds []nodeKind, following []int32, best []Decision) []Decision {
	for left := true; left; {
		left = false
		for k := range kinds {
			kind := &kinds[k]
			for kind.next != noNode {
				i := int(kind.next)
				kind.next = following[i]
				if q.Admits == nil || q.Admits(i) {
					best = append(best, Decision{Node: i, Devices: r.devicesOf(i, kind.answer), NodeScore: kind.score})
					if len(best) == q.Limit {
						return best
					}
					break
				}
			}
			left = left || kind.next != noNode
		}
	}
	return best
}
