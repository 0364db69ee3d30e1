package cluster

import (
	"cmp"
	"slices"
)

// nodeDomain is the candidates in one domain of a level.
type nodeDomain struct {
	nodes []int
	// room is how many members of each shape its nodes hold without the others.
	room []int
	// members is the sum of room, of each shape no more than there are.
	members  int
	freeGPUs int
}

// solveWithin places the group on nodes, within domains of the levels from one on.
func (g *groupSearch) solveWithin(nodes []int, level int) bool {
	if level == len(g.levels) {
		return g.solveOn(nodes)
	}
	l := &g.levels[level]
	if l.Mode == Indifferent {
		return g.solveWithin(nodes, level+1)
	}
	domains := g.domainsOf(nodes, l)
	if len(domains) == 0 {
		return g.solveWithin(nodes, level+1)
	}
	for _, d := range domains {
		if g.mayHold(d.room) {
			if g.solveWithin(d.nodes, level+1) {
				return true
			}
		} else {
			g.noteAttempt(d.nodes, d.members, false)
		}
	}
	if l.Mode == Required {
		return false
	}
	return g.solveWithFewest(domains, level) || g.solveWithin(nodes, level+1)
}

// domainsOf divides nodes into domains, the one with the fewest free GPUs first.
func (g *groupSearch) domainsOf(nodes []int, level *GroupLevel) []*nodeDomain {
	numbers := map[int64]*nodeDomain{}
	var domains []*nodeDomain
	for _, node := range nodes {
		number := level.DomainOf(node)
		if number == NoDomain {
			continue
		}
		d := numbers[number]
		if d == nil {
			d = &nodeDomain{room: make([]int, len(g.shapes))}
			numbers[number] = d
			domains = append(domains, d)
		}
		d.nodes = append(d.nodes, node)
		d.freeGPUs += g.snapshot.nodes[node].state.GPUs().FreeGPUs().Len()
		for k, count := range g.cellOf[node].room {
			d.room[k] += count
		}
	}
	for _, d := range domains {
		d.members = g.membersIn(d.room)
	}
	slices.SortStableFunc(domains, func(a, b *nodeDomain) int { return cmp.Compare(a.freeGPUs, b.freeGPUs) })
	return domains
}

// mayHold reports whether there is room for the members of each shape without the others.
func (g *groupSearch) mayHold(room []int) bool {
	for k := range g.shapes {
		if room[k] < len(g.shapes[k].members) {
			return false
		}
	}
	return true
}

// membersIn is how many members have room, if those of other shapes took none of it.
func (g *groupSearch) membersIn(room []int) int {
	members := 0
	for k := range g.shapes {
		members += min(room[k], len(g.shapes[k].members))
	}
	return members
}

// maxDomainSets is how many sets of domains are tried for a level that is preferred.
const maxDomainSets = 256

// solveWithFewest places the group in as few domains as it can: for members that are alike
// that is exact; otherwise all sets are tried of which there are few, and of more the ones
// of the largest domains.
func (g *groupSearch) solveWithFewest(domains []*nodeDomain, level int) bool {
	largest := slices.Clone(domains)
	slices.SortStableFunc(largest, func(a, b *nodeDomain) int { return b.members - a.members })
	tries := 0
	for count := 2; count < len(largest) && tries < maxDomainSets; count++ {
		if !g.mayHold(roomOf(largest[:count], len(g.shapes))) && len(g.shapes) == 1 {
			continue // no other set of that size has more room
		}
		found := false
		eachSet(len(largest), count, func(set []int) bool {
			if tries++; tries > maxDomainSets {
				return false
			}
			chosen := make([]*nodeDomain, 0, count)
			for _, i := range set {
				chosen = append(chosen, largest[i])
			}
			if !g.mayHold(roomOf(chosen, len(g.shapes))) {
				return true
			}
			if len(g.shapes) == 1 {
				chosen[count-1] = g.smallestLast(largest, count)
			}
			found = g.solveWithin(nodesOf(chosen), level+1)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// smallestLast is the domain with the fewest free GPUs with which the largest ones before
// it have room for all.
func (g *groupSearch) smallestLast(largest []*nodeDomain, count int) *nodeDomain {
	last := largest[count-1]
	for _, d := range largest[count-1:] {
		if g.mayHold(roomOf(append(slices.Clone(largest[:count-1]), d), len(g.shapes))) && d.freeGPUs < last.freeGPUs {
			last = d
		}
	}
	return last
}

func roomOf(domains []*nodeDomain, shapes int) []int {
	room := make([]int, shapes)
	for _, d := range domains {
		for k, count := range d.room {
			room[k] += count
		}
	}
	return room
}

// nodesOf are the nodes of domains, in their order.
func nodesOf(domains []*nodeDomain) []int {
	var nodes []int
	for _, d := range domains {
		nodes = append(nodes, d.nodes...)
	}
	slices.Sort(nodes)
	return nodes
}

// eachSet visits the sets of so many of n things, those of low numbers first, until visit
// returns false.
func eachSet(n, size int, visit func([]int) bool) {
	set := make([]int, size)
	for i := range set {
		set[i] = i
	}
	for visit(set) {
		at := size - 1
		for at >= 0 && set[at] == n-size+at {
			at--
		}
		if at < 0 {
			return
		}
		set[at]++
		for next := at + 1; next < size; next++ {
			set[next] = set[next-1] + 1
		}
	}
}

// solveOn places the group on nodes, whatever domain they are in.
func (g *groupSearch) solveOn(nodes []int) bool {
	room := make([]int, len(g.shapes))
	for _, node := range nodes {
		for k, count := range g.cellOf[node].room {
			room[k] += count
		}
	}
	if !g.mayHold(room) {
		g.noteAttempt(nodes, g.membersIn(room), false)
		return false
	}
	for _, order := range g.shapeOrders(room) {
		if g.placeInTurn(nodes, order) {
			return true
		}
	}
	return g.assignOn(nodes)
}
