package cluster

import (
	"cmp"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// victimIndex is the victims of a preemptor, those that end together as one unit, the dearest
// unit first.
type victimIndex struct {
	units   []victimUnit
	budgets []int
	// spent counts disruptions by budget while a set is looked at.
	spent []int
	// byName numbers the holders.
	byName  map[placement.HolderID]int32
	holders []victimHolder
	// gone counts, by holder, the users that end while a set is looked at.
	gone []int32
}

// victimHolder is a holder, and the units that use it.
type victimHolder struct {
	name placement.HolderID
	// users are the units that may end; kept says that another one uses it too.
	users []int32
	kept  bool
}

// indexVictims sorts out who may be ended.
func (p *Preemptor) indexVictims() *victimIndex {
	v := &victimIndex{byName: make(map[placement.HolderID]int32, len(p.Victims)), budgets: p.Budgets, spent: make([]int, len(p.Budgets))}
	v.joinGroups(p.Victims)
	// Sums of costs must not overflow.
	dearest := math.MaxInt64 / int64(max(1, len(v.units)))
	for i := range v.units {
		v.units[i].cost = min(v.units[i].cost, dearest)
	}
	slices.SortFunc(v.units, func(a, b victimUnit) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(b.cost, a.cost),
			cmp.Compare(b.pods, a.pods), cmp.Compare(b.victims[0], a.victims[0]))
	})
	for i := range v.units {
		unit := &v.units[i]
		kept := unit.pinned || unit.priority >= p.Priority
		for _, h := range unit.holders {
			if kept {
				v.holders[h].kept = true
			} else {
				v.holders[h].users = append(v.holders[h].users, int32(i))
			}
		}
	}
	v.gone = make([]int32, len(v.holders))
	return v
}

// joinGroups makes units of the victims, a group one of its highest priority.
func (v *victimIndex) joinGroups(victims []Victim) {
	groups := map[string]int{}
	for i := range victims {
		victim := &victims[i]
		at, known := groups[victim.Group]
		if victim.Group == "" || !known {
			at = len(v.units)
			v.units = append(v.units, victimUnit{priority: victim.Priority})
			if victim.Group != "" {
				groups[victim.Group] = at
			}
		}
		unit := &v.units[at]
		unit.victims = append(unit.victims, i)
		unit.priority = max(unit.priority, victim.Priority)
		// Of hostile input each is bounded, so that the sum is.
		unit.cost += min(max(0, victim.Cost), math.MaxInt64/int64(len(victims)))
		unit.pods += max(1, victim.Pods)
		unit.pinned = unit.pinned || victim.Pinned
		for _, budget := range victim.Budgets {
			if budget >= 0 && budget < len(v.budgets) {
				unit.budgets = append(unit.budgets, budget)
			}
		}
		for _, holder := range victim.Holders {
			if h := v.numberOf(holder); !slices.Contains(unit.holders, h) {
				unit.holders = append(unit.holders, h)
			}
		}
	}
}

func (v *victimIndex) numberOf(holder placement.HolderID) int32 {
	h, known := v.byName[holder]
	if !known {
		h = int32(len(v.holders))
		v.byName[holder] = h
		v.holders = append(v.holders, victimHolder{name: holder})
	}
	return h
}

// victimsOf are the numbers of the victims that units are.
func (v *victimIndex) victimsOf(units []int32) []int {
	var victims []int
	for _, u := range units {
		victims = append(victims, v.units[u].victims...)
	}
	return victims
}

// unitsOn lists the units without which something of a node may be free, the dearest first.
func (v *victimIndex) unitsOn(allocations []placement.Allocation, into []int32) []int32 {
	into = into[:0]
	for i := range allocations {
		h, known := v.byName[allocations[i].Holder]
		if !known || allocations[i].Pinned || v.holders[h].kept {
			continue
		}
		for _, u := range v.holders[h].users {
			if !slices.Contains(into, u) {
				into = append(into, u)
			}
		}
	}
	slices.Sort(into)
	return into
}

// endUnits calls release for every holder that nobody uses any more once units end.
func (v *victimIndex) endUnits(units []int32, release func(h int32)) {
	for _, u := range units {
		for _, h := range v.units[u].holders {
			holder := &v.holders[h]
			if v.gone[h]++; !holder.kept && int(v.gone[h]) == len(holder.users) {
				release(h)
			}
		}
	}
	for _, u := range units {
		for _, h := range v.units[u].holders {
			v.gone[h] = 0
		}
	}
}

// choiceOf is the answer for a set of units.
func (v *victimIndex) choiceOf(node int, units []int32) *VictimChoice {
	choice := &VictimChoice{Node: node, Exceeded: v.exceededBy(units)}
	for _, u := range units {
		choice.Victims = append(choice.Victims, v.units[u].victims...)
	}
	slices.Sort(choice.Victims)
	return choice
}
