package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Decision is where a pod goes and what it gets there.
type Decision struct {
	Node int
	// Devices are what it gets, in the order of the request's parts; empty for a pod
	// without GPUs.
	Devices []placement.DeviceAllocation
	NodeScore
}

// ForecastCost says what it takes from the pods to come, in millionths of a GPU, to give
// a pod these devices of a node. nil stands for no forecast.
type ForecastCost func(node int, devices []placement.DeviceAllocation) int64

// NodeRanking answers one pod's request. It remembers the answer of every class, so that
// asking again costs one placement for each class that is new since, and a look-up for
// each node: nodes that are alike or did not change cost nothing.
type NodeRanking struct {
	snapshot *Snapshot
	request  PodRequest
	// selective is the request if it accepts different devices on nodes of one inventory.
	selective Selective
	policy    placement.Policy
	// generation is that of the snapshot's classes that answers are about.
	generation int
	// answers is by class, for the first key that a class was asked with; others has those
	// for further keys.
	answers []classAnswer
	others  map[otherKey]*classAnswer
	// devices holds those of the answers that were wanted, one after the other.
	devices []placement.DeviceAllocation
	// indexes find the best node without a look at all of them.
	indexes rankingIndexes
}

type otherKey struct {
	class int32
	key   AcceptanceKey
}

// classAnswer is what a class of nodes gives the pod.
type classAnswer struct {
	known, fits bool
	// undecided says that the search was cut short.
	undecided bool
	key       AcceptanceKey
	// from and count say where in NodeRanking.devices its devices are, count 0 if nobody
	// wanted them yet.
	from, count int32
	rating      placement.Rating
}

// Rank prepares to answer a request.
func (s *Snapshot) Rank(request PodRequest, policy placement.Policy) *NodeRanking {
	selective, _ := request.(Selective)
	return &NodeRanking{snapshot: s, request: request, selective: selective, policy: policy, generation: s.classes.generation}
}

// Best decides on which node the pod goes, by CompareNodes and then by the lowest
// number; not found if it fits nowhere. host is what the pod takes besides devices.
//
// Complexity: the first time a look-up for each node; later one placement for each class
// that is new, and the depth of a tree for each node that changed since. With a cost it is
// always the former, see BestPriced.
func (r *NodeRanking) Best(host topology.HostResources, cost ForecastCost) (best Decision, found bool) {
	if cost != nil {
		return r.scanNodes(host, cost)
	}
	return r.bestIndexed(indexKey{}, 0, host, nil)
}

// BestPriced is Best for costs of a forecast that need not be asked for again as long as
// its version stays the same: then they are the same for pods that take as much of the
// host, on nodes in equal state with as much of the host left. A ranking must be asked
// with the costs of one forecast only.
func (r *NodeRanking) BestPriced(host topology.HostResources, cost ForecastCost, version int64) (best Decision, found bool) {
	return r.bestIndexed(indexKey{priced: true, host: host}, version, host, cost)
}

// scanNodes is Best by a look at every node.
func (r *NodeRanking) scanNodes(host topology.HostResources, cost ForecastCost) (best Decision, found bool) {
	r.refreshAnswers()
	s := r.snapshot
	var chosen *classAnswer
	for i := range s.rooms {
		if room := &s.rooms[i]; room.class == noClass || !room.admitsPod(host) {
			continue
		}
		a := r.answerOn(i)
		if !a.fits || cost == nil && a == chosen {
			continue // of nodes with one answer the first wins
		}
		if chosen != nil && a.rating.Bandwidth < best.Rating.Bandwidth {
			continue // whatever the forecast says, bandwidth decides first
		}
		score := NodeScore{Rating: a.rating}
		if cost != nil {
			score.ForecastCost = cost(i, r.devicesOf(i, a))
		}
		if chosen == nil || CompareNodes(score, best.NodeScore) < 0 {
			chosen, best.Node, best.NodeScore = a, i, score
		}
	}
	if chosen == nil {
		return Decision{}, false
	}
	best.Devices = r.devicesOf(best.Node, chosen)
	return best, true
}

// FitsOn reports whether the devices of a node could serve the pod now.
func (r *NodeRanking) FitsOn(node int) bool {
	r.refreshAnswers()
	return r.snapshot.rooms[node].class != noClass && r.answerOn(node).fits
}

// refreshAnswers makes room for the answers of all classes, and forgets those of classes that
// were numbered anew.
func (r *NodeRanking) refreshAnswers() {
	x := &r.snapshot.classes
	if r.generation != x.generation {
		r.generation = x.generation
		clear(r.answers)
		clear(r.others)
		r.devices = nil // decisions that callers keep still point into the old ones
	}
	if missing := int(x.count) - len(r.answers); missing > 0 {
		r.answers = append(r.answers, make([]classAnswer, missing)...)
	}
}

// keyOn is the request's key on a node, the same for all unless it is selective.
func (r *NodeRanking) keyOn(node int) AcceptanceKey {
	if r.selective == nil {
		return 0
	}
	return r.selective.AcceptanceKey(node)
}

// answerOn is the answer of a node's class. It is valid until classes are added.
func (r *NodeRanking) answerOn(node int) *classAnswer {
	class := r.snapshot.rooms[node].class
	a := &r.answers[class]
	key := r.keyOn(node)
	if a.known && a.key == key {
		return a
	}
	if a.known {
		if a = r.otherAnswer(otherKey{class, key}); a.known {
			return a
		}
	}
	*a = classAnswer{known: true, key: key}
	switch verdict := r.placeOn(node); verdict.Outcome {
	case placement.Fits:
		a.fits, a.rating = true, verdict.Rating
	case placement.Undecided:
		a.undecided = true
	}
	return a
}

// otherAnswer finds the answer of a class under a further key.
func (r *NodeRanking) otherAnswer(key otherKey) *classAnswer {
	a := r.others[key]
	if a == nil {
		if r.others == nil {
			r.others = map[otherKey]*classAnswer{}
		}
		a = &classAnswer{}
		r.others[key] = a
	}
	return a
}

// devicesOf are the devices of an answer, which is that of the node.
func (r *NodeRanking) devicesOf(node int, a *classAnswer) []placement.DeviceAllocation {
	if a.count == 0 {
		verdict := r.placeOn(node)
		a.from, a.count = int32(len(r.devices)), int32(len(verdict.Devices))
		r.devices = append(r.devices, verdict.Devices...)
	}
	end := a.from + a.count
	return r.devices[a.from:end:end]
}

// placeOn places the pod on a node by the alternative that it prefers of those that fit.
// If none does, the verdict is about the first, unless the search was cut short for one.
// The verdict's lists are valid until the next call.
func (r *NodeRanking) placeOn(node int) placement.Verdict {
	n := &r.snapshot.nodes[node]
	verdict := placement.Verdict{Outcome: placement.Refused}
	tried := 0
	for ; ; tried++ {
		request := r.request.RequestOn(node, tried)
		if request == nil {
			break
		}
		if verdict = r.snapshot.placer.Place(n.Inventory, n.state.GPUs(), request, r.policy); verdict.Outcome != placement.Refused {
			return verdict
		}
	}
	if tried > 1 {
		return r.snapshot.placer.Place(n.Inventory, n.state.GPUs(), r.request.RequestOn(node, 0), r.policy)
	}
	return verdict
}
