package cluster

// The bounds of moving members out of each other's way.
const (
	maxMoveDepth = 64
	maxMoveSteps = 1 << 18
)

// memberMoves is which nodes hold how many members of each shape, while it is searched for
// a place for another. Whatever was moved, what each node is to hold fits there.
type memberMoves struct {
	search *groupSearch
	nodes  []int
	counts map[int][]int
	log    []memberMove
	steps  int
	// tried holds what was tried for the present member: each node is to make room for a
	// shape at the cost of another once.
	tried map[triedMove]bool
}

// triedMove is a node that is to hold a member of one shape instead of those of another.
type triedMove struct{ node, shape, other int }

// memberMove is members of a shape that came to a node, or left it.
type memberMove struct{ node, shape, by int }

// assignByMoves places the members shape by shape. For one that fits nowhere it looks for a
// node that has room for it once others go elsewhere, who may have others moved in turn, to
// a bound. It may miss an assignment.
func (g *groupSearch) assignByMoves(nodes []int) bool {
	m := memberMoves{search: g, nodes: nodes, counts: map[int][]int{}}
	room := make([]int, len(g.shapes))
	for _, node := range nodes {
		for k, count := range g.cellOf[node].room {
			room[k] += count
		}
	}
	placed := 0
	for _, k := range g.shapeOrders(room)[0] {
		for range g.shapes[k].members {
			m.tried = map[triedMove]bool{}
			if !m.placeMember(k, maxMoveDepth) {
				g.cut = true
				g.noteAttempt(nodes, placed, true)
				return false
			}
			placed++
		}
	}
	g.takeCounts(nodes, m.counts)
	return true
}

// moveMembers brings members of a shape to a node, or takes them away.
func (m *memberMoves) moveMembers(node, shape, by int) {
	counts := m.counts[node]
	if counts == nil {
		counts = make([]int, len(m.search.shapes))
		m.counts[node] = counts
	}
	counts[shape] += by
	m.log = append(m.log, memberMove{node, shape, by})
}

// takeBack undoes the moves since so many.
func (m *memberMoves) takeBack(mark int) {
	for len(m.log) > mark {
		last := m.log[len(m.log)-1]
		m.counts[last.node][last.shape] -= last.by
		m.log = m.log[:len(m.log)-1]
	}
}

// fitsNow reports whether what a node is to hold fits there.
func (m *memberMoves) fitsNow(node int) bool {
	m.steps++
	return m.search.fitsCell(m.search.cellOf[node], m.counts[node])
}

// movedCell tells nodes apart that hold different members of the group.
type movedCell struct {
	cell   *groupCell
	counts string
}

// eachKind visits one node of each kind on which members of a shape may be.
func (m *memberMoves) eachKind(shape int, visit func(node int) bool) bool {
	seen := map[movedCell]bool{}
	for _, node := range m.nodes {
		cell := m.search.cellOf[node]
		if cell.room[shape] == 0 {
			continue
		}
		kind := movedCell{cell, countsKey(m.counts[node])}
		if seen[kind] {
			continue
		}
		seen[kind] = true
		if visit(node) {
			return true
		}
	}
	return false
}

// placeMember finds a place for one more member of a shape.
func (m *memberMoves) placeMember(shape, depth int) bool {
	mark := len(m.log)
	if m.eachKind(shape, func(node int) bool {
		m.moveMembers(node, shape, 1)
		if m.fitsNow(node) {
			return true
		}
		m.takeBack(mark)
		return false
	}) {
		return true
	}
	return depth > 0 && m.eachKind(shape, func(node int) bool {
		for other := range m.search.shapes {
			if other != shape && m.placeInsteadOf(node, shape, other, depth) {
				return true
			}
		}
		return false
	})
}

// placeInsteadOf puts a member on a node and as many of another shape elsewhere as must go.
func (m *memberMoves) placeInsteadOf(node, shape, other, depth int) bool {
	counts := m.counts[node]
	move := triedMove{node, shape, other}
	if counts == nil || counts[other] == 0 || m.steps > maxMoveSteps || m.tried[move] {
		return false
	}
	m.tried[move] = true
	mark, there := len(m.log), counts[other]
	m.moveMembers(node, shape, 1)
	for gone := 1; gone <= there; gone++ {
		m.moveMembers(node, other, -1)
		if !m.fitsNow(node) {
			continue
		}
		for range gone {
			if !m.placeMember(other, depth-1) {
				m.takeBack(mark)
				return false
			}
		}
		return true
	}
	m.takeBack(mark)
	return false
}
