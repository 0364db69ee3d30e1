package cluster

import (
	"encoding/binary"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// groupPack says whether some members fit on a node of a make together, and which devices
// each of them gets there.
type groupPack struct {
	fits bool
	// given[k][i] is of the i-th member of shape k.
	given [][]packedMember
}

// packedMember is what one member gets of a node.
type packedMember struct {
	devices []placement.DeviceAllocation
	rating  placement.Rating
}

// The bounds of choosing devices for several members of one node at once.
const (
	maxJointParts  = 24  // parts in all requests together
	maxJointTries  = 64  // combinations of alternatives for one node
	maxJointPlaces = 512 // times in one search
)

// packHolder holds what is tried while a node is packed.
const packHolder placement.HolderID = "a group's pack"

// aloneOn is how many members of a shape fit on a make's nodes by their devices without
// others.
func (g *groupSearch) aloneOn(m *groupMake, k int) int {
	if m.alone[k] >= 0 {
		return m.alone[k]
	}
	shape := &g.shapes[k]
	limit := len(shape.members)
	if shape.ranking == nil {
		m.alone[k] = limit
		return limit
	}
	counts := make([]int, len(g.shapes))
	// Members fit one after the other on most nodes: how many is seen in one go.
	counts[k] = len(g.packInTurn(m, limitedTo(counts, k, limit)).given[k])
	for counts[k] < limit {
		counts[k]++
		if !g.packOn(m, counts).fits {
			counts[k]--
			break
		}
	}
	m.alone[k] = counts[k]
	return counts[k]
}

func limitedTo(counts []int, k, limit int) []int {
	limited := slices.Clone(counts)
	limited[k] = limit
	return limited
}

// packOn works out whether so many members of each shape fit together by their devices on
// the nodes of a make.
func (g *groupSearch) packOn(m *groupMake, counts []int) *groupPack {
	key := countsKey(counts)
	if pack := m.packs[key]; pack != nil {
		return pack
	}
	pack := &groupPack{}
	m.packs[key] = pack
	least, pods := topology.MilliGPU(0), 0
	for k, count := range counts {
		least += topology.MilliGPU(count) * m.needs[k]
		if g.shapes[k].ranking != nil {
			pods += count
		}
	}
	if least > m.free {
		return pack
	}
	if *pack = *g.packInTurn(m, counts); !pack.fits && pods > 1 {
		*pack = *g.packJointly(m, counts)
	}
	return pack
}

func countsKey(counts []int) string {
	var key []byte
	for _, count := range counts {
		key = binary.AppendUvarint(key, uint64(count))
	}
	return string(key)
}

// packInTurn places members one after the other, those that take the most first, each as
// suits it best. given has those that fitted before one did not.
func (g *groupSearch) packInTurn(m *groupMake, counts []int) *groupPack {
	s, pack := g.snapshot, &groupPack{given: make([][]packedMember, len(counts))}
	order := make([]int, len(counts))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(m.needs[b] - m.needs[a]) })
	s.Fork()
	defer s.Revert()
	for _, k := range order {
		ranking := g.shapes[k].ranking
		for range counts[k] {
			if ranking == nil {
				pack.given[k] = append(pack.given[k], packedMember{})
				continue
			}
			ranking.refreshAnswers()
			a := ranking.answerOn(m.node)
			if !a.fits {
				return pack
			}
			member := packedMember{devices: ranking.devicesOf(m.node, a), rating: a.rating}
			pack.given[k] = append(pack.given[k], member)
			s.RecordAllocation(m.node, placement.Allocation{Holder: packHolder, Devices: member.devices})
		}
	}
	pack.fits = true
	return pack
}

// packJointly chooses the devices of all members at once, for each combination of their
// alternatives: members of one shape take the same.
func (g *groupSearch) packJointly(m *groupMake, counts []int) *groupPack {
	if g.joints++; g.joints > maxJointPlaces {
		g.cut = true
		return &groupPack{}
	}
	preferences := make([]int, len(counts))
	for range maxJointTries {
		pack, known := g.packAlternatives(m, counts, preferences)
		if known && pack.fits {
			return pack
		}
		if !g.nextAlternatives(m, counts, preferences) {
			return &groupPack{}
		}
	}
	g.cut = true
	return &groupPack{}
}

// nextAlternatives goes on to the next combination; false after the last.
func (g *groupSearch) nextAlternatives(m *groupMake, counts, preferences []int) bool {
	for k := range preferences {
		if counts[k] == 0 || g.shapes[k].ranking == nil {
			continue
		}
		preferences[k]++
		if g.shapes[k].ranking.request.RequestOn(m.node, preferences[k]) != nil {
			return true
		}
		preferences[k] = 0
	}
	return false
}

// packAlternatives is packJointly for one combination of alternatives.
func (g *groupSearch) packAlternatives(m *groupMake, counts, preferences []int) (pack *groupPack, known bool) {
	type span struct{ shape, first, end int } // the parts of one member
	var spans []span
	joint := &placement.Request{}
	var policy placement.Policy
	for k, count := range counts {
		ranking := g.shapes[k].ranking
		if ranking == nil || count == 0 {
			continue
		}
		policy = ranking.policy
		request := ranking.request.RequestOn(m.node, preferences[k])
		if request == nil {
			return nil, false
		}
		supplies := len(joint.Supplies)
		joint.Supplies = append(joint.Supplies, request.Supplies...)
		for range count {
			first := len(joint.Parts)
			joint.Parts = append(joint.Parts, request.Parts...)
			for _, c := range request.Constraints {
				joint.Constraints = append(joint.Constraints, c.ShiftedBy(first, supplies))
			}
			spans = append(spans, span{k, first, len(joint.Parts)})
		}
	}
	if len(joint.Parts) > maxJointParts {
		g.cut = true
		return nil, false
	}
	n := &g.snapshot.nodes[m.node]
	verdict := g.snapshot.placer.Place(n.Inventory, n.state.GPUs(), joint, policy)
	if verdict.Outcome == placement.Undecided {
		g.cut = true
	}
	pack = &groupPack{fits: verdict.Outcome == placement.Fits, given: make([][]packedMember, len(counts))}
	if !pack.fits {
		return pack, true
	}
	for _, member := range spans {
		var devices []placement.DeviceAllocation
		for _, d := range verdict.Devices {
			if d.Part >= member.first && d.Part < member.end {
				d.Part -= member.first
				devices = append(devices, d)
			}
		}
		pack.given[member.shape] = append(pack.given[member.shape], packedMember{
			devices: devices, rating: placement.RateAllocation(n.Inventory, n.state.GPUs(), devices, policy),
		})
	}
	for k, count := range counts {
		if g.shapes[k].ranking == nil {
			pack.given[k] = make([]packedMember, count)
		}
	}
	return pack, true
}

// fitsCell reports whether so many members of each shape fit together on a node of a cell.
func (g *groupSearch) fitsCell(cell *groupCell, counts []int) bool {
	var host topology.HostResources
	for k, count := range counts {
		if count > cell.room[k] {
			return false
		}
		host.CPU += topology.MilliCPU(count) * g.shapes[k].host.CPU
		host.Memory += topology.Bytes(count) * g.shapes[k].host.Memory
	}
	return host.Within(cell.host) && g.packOn(cell.groupMake, counts).fits
}
