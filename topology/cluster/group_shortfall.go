package cluster

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// GroupShortfall says what a group lacks.
type GroupShortfall struct {
	// Fit is the most members that were found to fit together under the group's constraints.
	Fit int
	// Shapes says of members that ask alike how many there are and how many would fit
	// without the others; only those of which not all fit, or, if all do, those of every
	// shape.
	Shapes []ShapeShortfall
	// LimitedBy names the level without which the group would fit, or "model" if it is that
	// all GPUs must be of one; "" if neither is in the way.
	LimitedBy string
}

// ShapeShortfall is of members that ask alike.
type ShapeShortfall struct {
	// Member is the first of them, an index into Group.Members.
	Member int
	// Members is how many they are, Alone how many of them would fit if the group had no
	// others.
	Members, Alone int
}

// keepLarger takes over another shortfall if more members fit there.
func (s *GroupShortfall) keepLarger(other GroupShortfall) {
	if s.Shapes == nil || other.Fit > s.Fit {
		*s = other
	}
}

// groupAttempt is nodes that do not hold the whole group, and how many members they hold:
// exactly, or at most, as if members of different shapes took nothing of each other's room.
type groupAttempt struct {
	nodes   []int
	members int
	exact   bool
}

// noteAttempt remembers nodes that do not hold the group.
func (g *groupSearch) noteAttempt(nodes []int, members int, exact bool) {
	g.attempts = append(g.attempts, groupAttempt{nodes, members, exact || len(g.shapes) == 1})
}

// maxMeasured is of how many sets of nodes it is worked out how many members they hold.
const maxMeasured = 32

// largestAttempt finds the nodes that hold the most members.
func (g *groupSearch) largestAttempt() groupAttempt {
	larger := func(a, b groupAttempt) int { return b.members - a.members }
	attempts := g.attempts
	slices.SortStableFunc(attempts, larger)
	best := groupAttempt{}
	for i := 0; i < len(attempts) && i < maxMeasured && (best.nodes == nil || attempts[i].members > best.members); i++ {
		if !attempts[i].exact {
			g.attempts = nil
			g.assignOn(attempts[i].nodes)
			attempts[i] = g.attempts[0]
		}
		if best.nodes == nil || attempts[i].members > best.members {
			best = attempts[i]
		}
	}
	return best
}

// findShortfall says what the group lacks on the nodes that hold the most members.
func (g *groupSearch) findShortfall() GroupShortfall {
	most := g.largestAttempt()
	room := make([]int, len(g.shapes))
	for _, node := range most.nodes {
		for k, count := range g.cellOf[node].room {
			room[k] += count
		}
	}
	found := GroupShortfall{Fit: most.members}
	short := false
	for k := range g.shapes {
		short = short || room[k] < len(g.shapes[k].members)
	}
	for k := range g.shapes {
		shape := &g.shapes[k]
		if alone := min(room[k], len(shape.members)); !short || alone < len(shape.members) {
			found.Shapes = append(found.Shapes, ShapeShortfall{Member: shape.members[0], Members: len(shape.members), Alone: alone})
		}
	}
	return found
}

// findLimit names the constraint without which the group would fit.
func (s *Snapshot) findLimit(group *Group, shortfall *GroupShortfall) {
	without := func(level int, model ConstraintMode) bool {
		freer := *group
		freer.SameModel, freer.Levels = model, slices.Clone(group.Levels)
		if level >= 0 {
			freer.Levels[level].Mode = Indifferent
		}
		_, outcome := s.PlaceGroup(&freer)
		return outcome == placement.Fits
	}
	for level := range group.Levels {
		if group.Levels[level].Mode == Required && without(level, group.SameModel) {
			shortfall.LimitedBy = group.Levels[level].Name
			return
		}
	}
	if group.SameModel == Required && without(-1, Indifferent) {
		shortfall.LimitedBy = "model"
	}
}
