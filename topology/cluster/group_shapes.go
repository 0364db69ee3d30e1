package cluster

import (
	"encoding/binary"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// groupShape is members of a group that ask alike.
type groupShape struct {
	// ranking is nil for pods without GPUs.
	ranking *NodeRanking
	host    topology.HostResources
	nodes   *NodeSet
	members []int
	// onePerNode is GroupMember.OnePerNode.
	onePerNode bool
}

// groupSearch looks for the nodes of one group among the GPUs of a scope.
type groupSearch struct {
	snapshot *Snapshot
	levels   []GroupLevel
	// extraHost is what a node has besides GPUs beyond what the snapshot says; nil for nothing.
	extraHost []topology.HostResources
	shapes    []groupShape
	// candidates are the nodes that any member may go to.
	candidates []int
	// cellOf is the cell of each candidate, by node.
	cellOf []*groupCell
	cells  map[string]*groupCell
	makes  map[string]*groupMake
	// placed has the decision of each member once the group fits.
	placed []Decision
	// joints is how often devices were chosen for several members of a node at once.
	joints int
	// cut says that something was not looked at to the end.
	cut bool
	// attempts are the sets of nodes that do not hold the group.
	attempts []groupAttempt
}

// groupMake is nodes on which the same members have the same devices.
type groupMake struct {
	node int // one of them
	// packs remembers which members fit together, by their number of each shape.
	packs map[string]*groupPack
	// alone is how many members of each shape fit without others, -1 while that is not known.
	alone []int
	// needs is the least that a member of each shape takes of the GPUs, and free what there
	// is, in thousandths of a GPU.
	needs []topology.MilliGPU
	free  topology.MilliGPU
}

// groupCell is nodes that are interchangeable for the group: of one make, with the same
// room on the host as far as it matters, for the same shapes.
type groupCell struct {
	*groupMake
	host    topology.HostResources
	room    []int // how many members of each shape fit without others
	configs [][]int
}

func newGroupSearch(s *Snapshot, group *Group, scope *modelScope) *groupSearch {
	g := &groupSearch{
		snapshot: s, levels: group.Levels, cellOf: make([]*groupCell, len(s.nodes)),
		cells: map[string]*groupCell{}, makes: map[string]*groupMake{}, placed: make([]Decision, len(group.Members)),
	}
	if group.FreeHost != nil {
		g.extraHost = make([]topology.HostResources, len(s.nodes))
		for node := range s.nodes {
			g.extraHost[node] = group.FreeHost(node).Minus(s.rooms[node].free)
		}
	}
	g.findShapes(group, scope)
	for node := range s.nodes {
		if s.rooms[node].closed || !scope.admitsNode(&s.nodes[node], g.shapes) {
			continue
		}
		if cell := g.findCell(node); slices.Max(cell.room) > 0 {
			g.cellOf[node] = cell
			g.candidates = append(g.candidates, node)
		}
	}
	return g
}

// admitsNode reports whether a member may be on the node: those without GPUs may be on any.
func (m *modelScope) admitsNode(node *snapshotNode, shapes []groupShape) bool {
	if node.Inventory != nil && m.admitsInventory(node.Inventory) {
		return true
	}
	return slices.ContainsFunc(shapes, func(shape groupShape) bool { return shape.ranking == nil })
}

// findShapes brings members together that ask alike.
func (g *groupSearch) findShapes(group *Group, scope *modelScope) {
	type shapeKey struct {
		ranking *NodeRanking
		host    topology.HostResources
		nodes   *NodeSet
		single  bool
	}
	numbers := map[shapeKey]int{}
	for i, m := range group.Members {
		key := shapeKey{m.Ranking, m.Host, m.Nodes, m.OnePerNode}
		number, known := numbers[key]
		if !known {
			number = len(g.shapes)
			numbers[key] = number
			g.shapes = append(g.shapes, groupShape{
				ranking: scope.rankingOf(m.Ranking), host: m.Host, nodes: m.Nodes, onePerNode: m.OnePerNode,
			})
		}
		g.shapes[number].members = append(g.shapes[number].members, i)
	}
}

// mayUse reports whether members of a shape may be on a node at all.
func (g *groupSearch) mayUse(shape *groupShape, node int) bool {
	return shape.nodes.Has(node) && (shape.ranking == nil || g.snapshot.rooms[node].class != noClass)
}

// findCell finds the cell of a node, in the state in which it is before the search.
func (g *groupSearch) findCell(node int) *groupCell {
	m := g.findMake(node)
	room := make([]int, len(g.shapes))
	free, most := g.freeHost(node), topology.HostResources{}
	for k := range g.shapes {
		shape := &g.shapes[k]
		if g.mayUse(shape, node) {
			room[k] = min(g.aloneOn(m, k), membersWithin(shape.host, free, len(shape.members)))
			if shape.onePerNode {
				room[k] = min(room[k], 1)
			}
		}
		most.CPU += topology.MilliCPU(room[k]) * shape.host.CPU
		most.Memory += topology.Bytes(room[k]) * shape.host.Memory
	}
	// Beyond what all that fit would take together, it does not matter how much there is.
	host := topology.HostResources{CPU: min(free.CPU, most.CPU), Memory: min(free.Memory, most.Memory)}
	key := binary.LittleEndian.AppendUint64(nil, uint64(m.node))
	key = binary.LittleEndian.AppendUint64(key, uint64(host.CPU))
	key = binary.LittleEndian.AppendUint64(key, uint64(host.Memory))
	for _, count := range room {
		key = binary.AppendUvarint(key, uint64(count))
	}
	cell := g.cells[string(key)]
	if cell == nil {
		cell = &groupCell{groupMake: m, host: host, room: room}
		g.cells[string(key)] = cell
	}
	return cell
}

// freeHost is what is left of a node besides GPUs.
func (g *groupSearch) freeHost(node int) topology.HostResources {
	if g.extraHost == nil {
		return g.snapshot.rooms[node].free
	}
	return g.snapshot.rooms[node].free.Plus(g.extraHost[node])
}

// membersWithin is how many pods that each take so much have room, up to a limit.
func membersWithin(host, free topology.HostResources, limit int) int {
	if host.CPU > 0 {
		limit = min(limit, max(0, int(free.CPU/host.CPU)))
	}
	if host.Memory > 0 {
		limit = min(limit, max(0, int(free.Memory/host.Memory)))
	}
	if !host.Within(free) {
		return 0
	}
	return limit
}

// findMake finds the make of a node.
func (g *groupSearch) findMake(node int) *groupMake {
	class := g.snapshot.rooms[node].class
	key := binary.LittleEndian.AppendUint32(nil, uint32(class))
	for k := range g.shapes {
		shape := &g.shapes[k]
		if shape.ranking != nil && class != noClass && shape.nodes.Has(node) {
			key = binary.LittleEndian.AppendUint32(key, uint32(shape.ranking.keyOn(node)))
		} else {
			key = append(key, "none"...)
		}
	}
	m := g.makes[string(key)]
	if m == nil {
		m = &groupMake{node: node, packs: map[string]*groupPack{}, alone: slices.Repeat([]int{-1}, len(g.shapes))}
		g.measureMake(m)
		g.makes[string(key)] = m
	}
	return m
}

// measureMake works out what is left of a make's GPUs, and the least that members take.
func (g *groupSearch) measureMake(m *groupMake) {
	m.needs = make([]topology.MilliGPU, len(g.shapes))
	n := &g.snapshot.nodes[m.node]
	if n.Inventory == nil {
		return
	}
	for gpu := range n.state.GPUs() {
		m.free += n.Inventory.FractionLeft(gpu, &n.state.GPUs()[gpu], placement.RoundDown)
	}
	for k := range g.shapes {
		if shape := &g.shapes[k]; shape.ranking != nil && shape.nodes.Has(m.node) {
			m.needs[k] = shape.ranking.leastOn(m.node)
		}
	}
}

// leastOn is the least that the pod takes of a node's GPUs, by the alternative that takes
// the least.
func (r *NodeRanking) leastOn(node int) topology.MilliGPU {
	inv := r.snapshot.nodes[node].Inventory
	least := topology.MilliGPU(-1)
	for preference := 0; ; preference++ {
		request := r.request.RequestOn(node, preference)
		if request == nil {
			return max(0, least)
		}
		if all := leastOfRequest(inv, request); least < 0 || all < least {
			least = all
		}
	}
}

// leastOfRequest is the least that a request takes of a node's GPUs.
func leastOfRequest(inv *placement.Inventory, request *placement.Request) topology.MilliGPU {
	all := topology.MilliGPU(0)
	for i := range request.Parts {
		part := &request.Parts[i]
		one := topology.MilliGPU(-1)
		for d := range inv.Devices {
			if !part.Accepts.Has(d) {
				continue
			}
			size := placement.ShareSize{Bytes: part.Bytes, Compute: part.Compute}
			if f := inv.Fraction(placement.DeviceAllocation{Device: d, ShareSize: size}, placement.RoundDown); one < 0 || f < one {
				one = f
			}
		}
		all += topology.MilliGPU(part.Count) * max(0, one)
	}
	return all
}
