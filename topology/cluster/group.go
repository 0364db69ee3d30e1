package cluster

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Group asks for several pods at once: all of them are placed, or none is.
type Group struct {
	Members []GroupMember
	// Levels are domains of nodes that the members must share, or had better share, the
	// widest first: a zone, a rack, an NVLink domain.
	Levels []GroupLevel
	// SameModel says whether the GPUs of all members must be of one model, or had better be.
	SameModel ConstraintMode
	// FreeHost is what is left of a node besides GPUs; nil for what the snapshot says.
	FreeHost func(node int) topology.HostResources
}

// GroupMember is one pod of a group. Members that ask alike should share a ranking and a
// node set: only then are they placed as many at a time.
type GroupMember struct {
	// Ranking is what the pod asks for; nil for a pod without GPUs.
	Ranking *NodeRanking
	// Host is what the pod takes besides devices.
	Host topology.HostResources
	// Nodes are those that the pod may go to; nil for all.
	Nodes *NodeSet
	// OnePerNode says that of the members that ask alike no two may be on one node.
	OnePerNode bool
}

// GroupLevel is a level at which nodes are divided into domains.
type GroupLevel struct {
	// Name is said to people: "rack".
	Name string
	Mode ConstraintMode
	// DomainOf numbers the domain of a node, NoDomain for a node in none. Where no node is
	// in a domain, the level does not matter.
	DomainOf func(node int) int64
}

// ConstraintMode is how much something is wanted.
type ConstraintMode uint8

// The modes.
const (
	Indifferent ConstraintMode = iota
	Preferred
	Required
)

// NVLinkLevel is the level of Node.Domain.
func (s *Snapshot) NVLinkLevel(mode ConstraintMode) GroupLevel {
	return GroupLevel{Name: "NVLink domain", Mode: mode, DomainOf: func(node int) int64 { return s.nodes[node].Domain }}
}

// NodeSet is a set of a snapshot's nodes.
type NodeSet struct{ words []uint64 }

// Add puts a node into the set.
func (n *NodeSet) Add(node int) {
	for len(n.words) <= node/64 {
		n.words = append(n.words, 0)
	}
	n.words[node/64] |= 1 << (node % 64)
}

// Remove takes a node out of the set.
func (n *NodeSet) Remove(node int) {
	if node/64 < len(n.words) {
		n.words[node/64] &^= 1 << (node % 64)
	}
}

// Has reports whether a node is in the set; every node is in a nil one.
func (n *NodeSet) Has(node int) bool {
	return n == nil || node/64 < len(n.words) && n.words[node/64]&(1<<(node%64)) != 0
}

// GroupVerdict is the answer to a group.
type GroupVerdict struct {
	Outcome placement.Outcome
	// Decisions are those of the members, in their order, if they fit.
	Decisions []Decision
	// Shortfall says what is lacking if they do not.
	Shortfall GroupShortfall
}

// PlaceGroup is SolveGroup without its reasons.
func (s *Snapshot) PlaceGroup(group *Group) ([]Decision, placement.Outcome) {
	verdict, _ := s.searchGroup(group)
	return verdict.Decisions, verdict.Outcome
}

// SolveGroup places all members of a group, or none, and leaves the snapshot as it was.
// The outcome is Undecided if the search was cut short.
//
// Domains are tried one after the other, the one with the least room that suffices first,
// which keeps large domains whole. If one does not suffice and is only preferred, as few of
// them are taken as will do. So it is with models of GPUs, which come before levels.
//
// Within a set of nodes the members that are hardest to place go first, each to the node
// that suits it best. If that leaves a member without a node, what each node can hold
// together is worked out, devices chosen anew for all members on it, and an assignment is
// looked for that serves all. That is exact unless there are many different members, or a
// node's devices can be divided in very many ways.
//
// Complexity: for members that are alike one placement for each state that a class of nodes
// comes to, and a step in a heap for each member; beyond that up to a bound.
func (s *Snapshot) SolveGroup(group *Group) GroupVerdict {
	verdict, searches := s.searchGroup(group)
	if verdict.Outcome != placement.Fits {
		for _, search := range searches {
			verdict.Shortfall.keepLarger(search.findShortfall())
		}
		s.findLimit(group, &verdict.Shortfall)
	}
	return verdict
}

// searchGroup places a group; if it does not fit it returns what was tried.
func (s *Snapshot) searchGroup(group *Group) (GroupVerdict, []*groupSearch) {
	verdict := GroupVerdict{Outcome: placement.Refused}
	var searches []*groupSearch
	if len(group.Members) == 0 {
		return GroupVerdict{Outcome: placement.Fits}, nil
	}
	for _, scope := range s.modelScopes(group) {
		search := newGroupSearch(s, group, scope)
		if search.solveWithin(search.candidates, 0) {
			return GroupVerdict{Outcome: placement.Fits, Decisions: search.placed}, nil
		}
		if search.cut {
			verdict.Outcome = placement.Undecided
		}
		searches = append(searches, search)
	}
	return verdict, searches
}
