package cluster

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// defragSearch looks for moves over the fork of a snapshot.
type defragSearch struct {
	snapshot *Snapshot
	holders  []MovableHolder
	budgets  []int
	byID     map[placement.HolderID]int
	// where is the node of each holder before any move, -1 for one that stays.
	where []int
	moved []bool
	// rival is what room is made for, copies how often; nil for compaction.
	rival     *GroupMember
	copies    int
	mayClose  bool
	maxMoves  int
	stepsLeft int
}

func newDefragSearch(s *Snapshot, d *Defragmentation) *defragSearch {
	search := &defragSearch{
		snapshot: s, holders: d.Holders, budgets: d.Budgets, mayClose: d.MayClose, byID: map[placement.HolderID]int{},
		where: make([]int, len(d.Holders)), moved: make([]bool, len(d.Holders)),
		maxMoves: cmp.Or(d.MaxMoves, DefaultMoves), stepsLeft: cmp.Or(d.MaxSteps, DefaultSteps),
	}
	for h := range d.Holders {
		search.byID[d.Holders[h].Holder] = h
		search.where[h] = -1
	}
	stays := make([]bool, len(d.Holders))
	for node := range s.nodes {
		allocations := s.nodes[node].state.Allocations()
		for i := range allocations {
			h, known := search.byID[allocations[i].Holder]
			if !known {
				continue
			}
			if allocations[i].Pinned || search.where[h] >= 0 && search.where[h] != node {
				stays[h] = true
			}
			search.where[h] = node
		}
	}
	for h := range d.Holders {
		forbids := func(b int) bool { return d.Budgets[b] < 1 }
		if stays[h] || d.Holders[h].Ranking == nil || slices.ContainsFunc(d.Holders[h].Budgets, forbids) {
			search.where[h] = -1
		}
	}
	return search
}

// usableHolders lists the holders that can be moved now.
func (d *defragSearch) usableHolders() []int {
	var all []int
	for h, node := range d.where {
		if node >= 0 && !d.moved[h] {
			all = append(all, h)
		}
	}
	return all
}

// moveAction is a holder to move, by its index, and whether its node is closed meanwhile.
type moveAction struct {
	holder int
	closes bool
}

// possibleActions lists what can be tried now.
func (d *defragSearch) possibleActions() []moveAction {
	var all []moveAction
	for _, h := range d.usableHolders() {
		all = append(all, moveAction{h, false})
		if d.mayClose {
			all = append(all, moveAction{h, true})
		}
	}
	return all
}

// closingActions moves holders off their nodes, which are closed meanwhile if they may be.
func (d *defragSearch) closingActions(holders []int) []moveAction {
	var all []moveAction
	for _, h := range holders {
		all = append(all, moveAction{h, d.mayClose})
	}
	return all
}

// moveHolder moves a holder in the snapshot, which is forked. It reports false, and changes
// nothing, if the holder would go nowhere else or if where is not certain.
func (d *defragSearch) moveHolder(action moveAction) (DefragMove, bool) {
	d.stepsLeft--
	s, holder, from := d.snapshot, &d.holders[action.holder], d.where[action.holder]
	if room := &s.rooms[from]; action.closes {
		if room.closed {
			return DefragMove{}, false // as without closing it
		}
		d.snapshot.SetSchedulable(from, false)
		defer d.snapshot.SetSchedulable(from, true)
	}
	early, fitsEarly := holder.Ranking.Best(holder.Host, holder.Forecast)
	if action.closes && !fitsEarly {
		return DefragMove{}, false
	}
	mark := len(s.undo.changes)
	released := s.ReleaseHolder(from, holder.Holder)
	if len(released) == 0 {
		return DefragMove{}, false
	}
	late, fitsLate := early, fitsEarly
	if !action.closes {
		late, fitsLate = holder.Ranking.Best(holder.Host, holder.Forecast)
	}
	var leaves []placement.DeviceAllocation
	for i := range released {
		leaves = append(leaves, released[i].Devices...)
	}
	if !fitsLate || late.Node == from && sameDevices(late.Devices, leaves) ||
		fitsEarly && (early.Node != late.Node || !sameDevices(early.Devices, late.Devices)) ||
		!fitsEarly && !d.fitsBehindRival(holder) {
		s.revertTo(mark)
		return DefragMove{}, false
	}
	a := placement.Allocation{Holder: holder.Holder, Priority: released[0].Priority, Host: holder.Host, Devices: late.Devices}
	if err := s.Allocate(late.Node, a); err != nil { // placed in this very state, so it fits
		s.revertTo(mark)
		return DefragMove{}, false
	}
	d.moved[action.holder] = true
	return DefragMove{
		Holder: holder.Holder, Priority: a.Priority, From: from, To: late.Node, Leaves: leaves, Takes: late.Devices,
		Cost: holder.Cost, Closes: action.closes,
	}, true
}

// fitsBehindRival reports whether a holder that has gone fits even if the copies that room is
// made for are placed before it.
func (d *defragSearch) fitsBehindRival(holder *MovableHolder) bool {
	if d.rival == nil {
		return true
	}
	d.snapshot.Fork()
	defer d.snapshot.Revert()
	d.takeCopies(d.copies)
	_, fits := holder.Ranking.Best(holder.Host, holder.Forecast)
	return fits
}

// placeCopies says where the copies of the rival go, nil if not all of them fit.
func (d *defragSearch) placeCopies(copies int) []Decision {
	d.snapshot.Fork()
	defer d.snapshot.Revert()
	if placed := d.takeCopies(copies); len(placed) == copies {
		return placed
	}
	return nil
}

// takeCopies gives as many copies of the rival a place as fit, one after the other.
func (d *defragSearch) takeCopies(copies int) []Decision {
	var placed []Decision
	for range copies {
		best, fits := d.rival.Ranking.Best(d.rival.Host, nil)
		if !fits {
			break
		}
		if err := d.snapshot.Allocate(best.Node, placement.Allocation{Host: d.rival.Host, Devices: best.Devices}); err != nil {
			break // placed in this very state, so it fits
		}
		placed = append(placed, best)
	}
	return placed
}

// tryMoves makes moves one after the other, calls visit after the last, and takes them back.
// It reports false if one of them is not possible.
func (d *defragSearch) tryMoves(order []moveAction, visit func([]DefragMove)) bool {
	mark := len(d.snapshot.undo.changes)
	var moves []DefragMove
	for _, action := range order {
		move, ok := d.moveHolder(action)
		if !ok {
			break
		}
		moves = append(moves, move)
	}
	if len(moves) == len(order) {
		visit(moves)
	}
	d.takeBack(mark, moves)
	return len(moves) == len(order)
}

// takeBack undoes moves, and all else since the mark.
func (d *defragSearch) takeBack(mark int, moves []DefragMove) {
	d.snapshot.revertTo(mark)
	for i := range moves {
		d.moved[d.byID[moves[i].Holder]] = false
	}
}

// sameDevices reports whether two lists are of the same devices with as much of each, in any
// order and for whichever parts of a request.
func sameDevices(a, b []placement.DeviceAllocation) bool {
	if len(a) != len(b) {
		return false
	}
	return slices.Equal(sortedDevices(a), sortedDevices(b))
}

func sortedDevices(devices []placement.DeviceAllocation) []placement.DeviceAllocation {
	sorted := slices.Clone(devices)
	for i := range sorted {
		sorted[i].Part = 0
	}
	slices.SortFunc(sorted, func(a, b placement.DeviceAllocation) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.ShareSize.Bytes, b.ShareSize.Bytes))
	})
	return sorted
}
