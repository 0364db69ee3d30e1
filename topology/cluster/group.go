package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Group asks for several pods at once: all of them are placed, or none is.
type Group struct {
	Members []GroupMember
	// SameDomain says whether all members must be in one domain, or had better be.
	SameDomain ConstraintMode
}

// GroupMember is one pod of a group. Members that ask alike should share a ranking.
type GroupMember struct {
	Ranking *NodeRanking
	// Host is what the pod takes besides devices.
	Host topology.HostResources
}

// ConstraintMode is how much something is wanted.
type ConstraintMode uint8

// The modes.
const (
	Indifferent ConstraintMode = iota
	Preferred
	Required
)

// maxGroupSteps bounds the search for a group.
const maxGroupSteps = 1 << 16

// PlaceGroup places all members of a group, or none, and leaves the snapshot as it was.
// The outcome is Undecided if the search was cut short.
//
// It searches depth first over the members, those with the fewest nodes first, and
// for each over the classes of nodes, best rating first; nodes of one class are
// interchangeable, so one of each is tried. So an early choice that makes the rest
// impossible is taken back. With a domain, each is tried on its own, the one with
// the least room that suffices first, which keeps large domains whole; if one domain
// is only preferred, all nodes are tried together last.
//
// Nodes of one class may differ in what is left of their hosts. Only the first that has
// room for a member is tried: a group may be refused that would fit with other nodes.
//
// Complexity: for members that are alike, one placement for each member and class;
// exponential in the number of members only when they contend, up to a bound.
func (s *Snapshot) PlaceGroup(group *Group) ([]Decision, placement.Outcome) {
	search := groupSearch{snapshot: s, group: group, placed: make([]Decision, len(group.Members))}
	s.Fork()
	defer s.Revert()
	outcome := placement.Refused
	for _, nodes := range search.nodeScopes() {
		if search.placeOn(nodes) {
			return search.placed, placement.Fits
		}
		if search.steps > maxGroupSteps {
			outcome = placement.Undecided
			break
		}
	}
	return nil, outcome
}

type groupSearch struct {
	snapshot *Snapshot
	group    *Group
	order    []int // members, the hardest to place first
	placed   []Decision
	steps    int
}

// nodeScopes lists the sets of nodes to try, in order.
func (g *groupSearch) nodeScopes() [][]int {
	var all []int
	byDomain := map[int64][]int{}
	for i := range g.snapshot.nodes {
		if g.snapshot.rooms[i].class == noClass {
			continue
		}
		all = append(all, i)
		if domain := g.snapshot.nodes[i].Domain; domain != NoDomain {
			byDomain[domain] = append(byDomain[domain], i)
		}
	}
	if g.group.SameDomain == Indifferent {
		return [][]int{all}
	}
	var scopes [][]int
	for _, nodes := range byDomain {
		scopes = append(scopes, nodes)
	}
	slices.SortFunc(scopes, func(a, b []int) int {
		if x, y := g.freeGPUs(a), g.freeGPUs(b); x != y {
			return x - y
		}
		return a[0] - b[0]
	})
	if g.group.SameDomain == Preferred || len(byDomain) == 0 {
		scopes = append(scopes, all) // where no node is in a domain, domains do not matter
	}
	return scopes
}

// freeGPUs is the number of free GPUs on the nodes.
func (g *groupSearch) freeGPUs(nodes []int) int {
	free := 0
	for _, node := range nodes {
		free += g.snapshot.nodes[node].state.GPUs().FreeGPUs().Len()
	}
	return free
}

// placeOn tries to place all members on the nodes.
func (g *groupSearch) placeOn(nodes []int) bool {
	options := make([]int, len(g.group.Members))
	g.order = g.order[:0]
	for member := range g.group.Members {
		g.order = append(g.order, member)
		options[member] = len(g.memberChoices(member, nodes))
		if options[member] == 0 {
			return false
		}
	}
	slices.SortStableFunc(g.order, func(a, b int) int { return options[a] - options[b] })
	return g.placeFrom(0, nodes)
}

// placeFrom places the members from a step of the order on.
func (g *groupSearch) placeFrom(step int, nodes []int) bool {
	if step == len(g.order) {
		return true
	}
	s, member := g.snapshot, g.order[step]
	mark := len(s.undo.changes)
	for _, choice := range g.memberChoices(member, nodes) {
		if g.steps++; g.steps > maxGroupSteps {
			return false
		}
		allocation := placement.Allocation{Host: g.group.Members[member].Host, Devices: choice.Devices}
		if err := s.Allocate(choice.Node, allocation); err != nil {
			continue // placed in this very state, so it fits
		}
		g.placed[member] = choice
		if g.placeFrom(step+1, nodes) {
			return true
		}
		s.revertTo(mark)
	}
	return false
}

// memberChoices lists one node of each class on which a member fits, best first.
func (g *groupSearch) memberChoices(member int, nodes []int) []Decision {
	m := &g.group.Members[member]
	m.Ranking.refreshAnswers()
	type classKey struct {
		class int32
		key   AcceptanceKey
	}
	seen := map[classKey]bool{}
	var all []Decision
	for _, node := range nodes {
		room := &g.snapshot.rooms[node]
		key := classKey{room.class, m.Ranking.keyOn(node)}
		if seen[key] || !room.admitsPod(m.Host) {
			continue
		}
		seen[key] = true
		if a := m.Ranking.answerOn(node); a.fits {
			all = append(all, Decision{Node: node, Devices: m.Ranking.devicesOf(node, a), NodeScore: NodeScore{Rating: a.rating}})
		}
	}
	slices.SortStableFunc(all, func(a, b Decision) int { return CompareNodes(a.NodeScore, b.NodeScore) })
	return all
}
