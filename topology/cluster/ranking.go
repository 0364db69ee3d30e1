package cluster

import (
	"slices"

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
	policy   placement.Policy
	// generation is that of the snapshot's classes that answers are about.
	generation int
	// answers is by class, for the first key that a class was asked with; others has those
	// for further keys.
	answers []classAnswer
	others  map[otherKey]*classAnswer
	// devices holds those of all answers, one after the other.
	devices []placement.DeviceAllocation
}

type otherKey struct {
	class int
	key   AcceptanceKey
}

// classAnswer is what a class of nodes gives the pod.
type classAnswer struct {
	known, fits bool
	key         AcceptanceKey
	rating      placement.Rating
	devices     []placement.DeviceAllocation
}

// Rank prepares to answer a request.
func (s *Snapshot) Rank(request PodRequest, policy placement.Policy) *NodeRanking {
	return &NodeRanking{snapshot: s, request: request, policy: policy, generation: s.classes.generation}
}

// Best decides on which node the pod goes, by CompareNodes and then by the lowest
// number; not found if it fits nowhere. host is what the pod takes besides devices.
func (r *NodeRanking) Best(host topology.HostResources, cost ForecastCost) (best Decision, found bool) {
	r.refresh()
	s := r.snapshot
	for i := range s.nodes {
		n := &s.nodes[i]
		if n.class == noClass || !n.admits(host) {
			continue
		}
		a := r.answer(i)
		if !a.fits || found && a.rating.Bandwidth < best.Rating.Bandwidth {
			continue // whatever the forecast says, bandwidth decides first
		}
		score := NodeScore{Rating: a.rating}
		if cost != nil {
			score.ForecastCost = cost(i, a.devices)
		}
		if !found || CompareNodes(score, best.NodeScore) < 0 {
			best, found = Decision{Node: i, Devices: a.devices, NodeScore: score}, true
		}
	}
	return best, found
}

// FitsOn reports whether the devices of a node could serve the pod now.
func (r *NodeRanking) FitsOn(node int) bool {
	r.refresh()
	return r.snapshot.nodes[node].class != noClass && r.answer(node).fits
}

// refresh makes room for the answers of all classes, and forgets those of classes that
// were numbered anew.
func (r *NodeRanking) refresh() {
	x := &r.snapshot.classes
	if r.generation != x.generation {
		r.generation = x.generation
		clear(r.answers)
		clear(r.others)
		r.devices = nil // decisions that callers keep still point into the old ones
	}
	if missing := x.count - len(r.answers); missing > 0 {
		r.answers = append(r.answers, make([]classAnswer, missing)...)
	}
}

// answer is that of a node's class.
func (r *NodeRanking) answer(node int) *classAnswer {
	class := r.snapshot.nodes[node].class
	key := r.request.AcceptanceKey(node)
	a := &r.answers[class]
	if a.known && a.key != key {
		a = r.otherAnswer(otherKey{class, key})
	}
	if !a.known {
		*a = r.ask(node, key)
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

// ask places the pod on a node.
func (r *NodeRanking) ask(node int, key AcceptanceKey) classAnswer {
	n := &r.snapshot.nodes[node]
	a := classAnswer{known: true, key: key}
	request := r.request.RequestOn(node)
	if request == nil {
		return a
	}
	verdict := r.snapshot.placer.Place(n.Inventory, n.state.GPUs(), request, r.policy)
	if verdict.Outcome != placement.Fits {
		return a
	}
	from := len(r.devices)
	r.devices = append(r.devices, verdict.Devices...)
	a.fits, a.rating, a.devices = true, verdict.Rating, slices.Clip(r.devices[from:])
	return a
}
