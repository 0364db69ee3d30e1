package placement

import (
	"slices"
)

// Group asks for several pods at once, over many nodes: all of them are placed, or
// none is.
type Group struct {
	// Members are the pods' requests.
	Members []RequestFor
	// Domain numbers the domain of each node, for example its NVLink clique or rack;
	// nil if domains do not matter. NoValue is a node in no domain.
	Domain []int64
	// SameDomain says whether all members must be in one domain, or had better be.
	SameDomain ConstraintMode
	// Hosts is what the nodes have besides GPUs; nil if that does not matter. Nodes of
	// one class are then no longer interchangeable, and only the first that has room
	// for a member is tried: a group may be refused that would fit with other nodes.
	Hosts Hosts
}

// Hosts keeps account of what members take of the nodes besides GPUs. Of a group that
// was placed all that it takes stays taken, so that callers pass a copy.
type Hosts interface {
	Fits(member, node int) bool
	Take(member, node int)
	Release(member, node int)
}

// ConstraintMode is how much something is wanted.
type ConstraintMode uint8

// The wishes.
const (
	Indifferent ConstraintMode = iota
	Preferred
	Required
)

// Member is where one member of a group goes.
type Member struct {
	Node   int
	Grants []DeviceAllocation
}

// maxGroupSteps bounds the search for a group.
const maxGroupSteps = 1 << 16

// PlaceGroup places all members of a group, or none, and does not change the fleet.
// The outcome is Undecided if the search was cut short.
//
// It searches depth first over the members, those with the fewest nodes first, and
// for each over the classes of nodes, best rating first; nodes of one class are
// interchangeable, so one of each is tried. So an early choice that makes the rest
// impossible is taken back. With a domain, each is tried on its own, the one with
// the least room that suffices first, which keeps large domains whole; if the wish
// is only preferred, all nodes are tried together last.
//
// Complexity: for members that are alike, one placement for each member and class;
// exponential in the number of members only when they contend, up to a bound.
func (f *Fleet) PlaceGroup(group *Group, policy Policy) ([]Member, Outcome) {
	search := groupSearch{fleet: f.clone(), group: group, policy: policy, placed: make([]Member, len(group.Members))}
	outcome := Refused
	for _, nodes := range search.scopes() {
		if search.place(nodes) {
			return search.placed, Fits
		}
		if search.steps > maxGroupSteps {
			outcome = Undecided
			break
		}
	}
	return nil, outcome
}

type groupSearch struct {
	fleet  *Fleet
	group  *Group
	policy Policy
	order  []int // members, the hardest to place first
	placed []Member
	steps  int
}

// scopes lists the sets of nodes to try, in order.
func (g *groupSearch) scopes() [][]int {
	all := make([]int, g.fleet.Len())
	for i := range all {
		all[i] = i
	}
	if g.group.SameDomain == Indifferent || g.group.Domain == nil {
		return [][]int{all}
	}
	byDomain := map[int64][]int{}
	for node, domain := range g.group.Domain {
		if domain != NoValue && node < len(all) {
			byDomain[domain] = append(byDomain[domain], node)
		}
	}
	var scopes [][]int
	for _, nodes := range byDomain {
		scopes = append(scopes, nodes)
	}
	slices.SortFunc(scopes, func(a, b []int) int {
		if x, y := g.room(a), g.room(b); x != y {
			return x - y
		}
		return a[0] - b[0]
	})
	if g.group.SameDomain == Preferred {
		scopes = append(scopes, all)
	}
	return scopes
}

// room is the number of free GPUs on the nodes.
func (g *groupSearch) room(nodes []int) int {
	free := 0
	for _, node := range nodes {
		free += g.fleet.State(node).FreeGPUs().Len()
	}
	return free
}

// place tries to place all members on the nodes.
func (g *groupSearch) place(nodes []int) bool {
	options := make([]int, len(g.group.Members))
	g.order = g.order[:0]
	for member := range g.group.Members {
		g.order = append(g.order, member)
		options[member] = len(g.choices(member, nodes))
		if options[member] == 0 {
			return false
		}
	}
	slices.SortStableFunc(g.order, func(a, b int) int { return options[a] - options[b] })
	return g.solve(0, nodes)
}

func (g *groupSearch) solve(step int, nodes []int) bool {
	if step == len(g.order) {
		return true
	}
	member := g.order[step]
	for _, choice := range g.choices(member, nodes) {
		if g.steps++; g.steps > maxGroupSteps {
			return false
		}
		if err := g.fleet.Take(choice.Node, choice.Grants); err != nil {
			continue // placed in this very state, so it fits
		}
		g.placed[member] = choice
		if g.group.Hosts != nil {
			g.group.Hosts.Take(member, choice.Node)
		}
		if g.solve(step+1, nodes) {
			return true
		}
		if g.group.Hosts != nil {
			g.group.Hosts.Release(member, choice.Node)
		}
		g.fleet.Release(choice.Node, choice.Grants)
	}
	return false
}

// choices lists one node of each class on which a member fits, best first.
func (g *groupSearch) choices(member int, nodes []int) []Member {
	type rated struct {
		Member
		rating Rating
	}
	var all []rated
	seen := map[int]bool{}
	for _, node := range nodes {
		n := &g.fleet.nodes[node]
		if seen[n.class] || g.group.Hosts != nil && !g.group.Hosts.Fits(member, node) {
			continue
		}
		seen[n.class] = true
		verdict := g.fleet.placer.Place(n.inventory, n.state, g.group.Members[member](n.inventory), g.policy)
		if verdict.Outcome == Fits {
			all = append(all, rated{Member{Node: node, Grants: slices.Clone(verdict.Devices)}, verdict.Rating})
		}
	}
	slices.SortStableFunc(all, func(a, b rated) int { return a.rating.Compare(b.rating) })
	members := make([]Member, len(all))
	for i := range all {
		members[i] = all[i].Member
	}
	return members
}
