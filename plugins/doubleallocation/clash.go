package doubleallocation

import (
	"cmp"
	"maps"
	"slices"
)

// byAge orders holders by when their allocation was written, the oldest first.
func byAge(holders map[*holder]struct{}) []*holder {
	return slices.SortedFunc(maps.Keys(holders), func(a, b *holder) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.uid, b.uid))
	})
}

// poolClash is a clash with where and whose it is.
type poolClash struct {
	clash

	pool   poolID
	node   string
	holder *holder
}

// clashBeside says with what h clashes if others hold what they hold; nil if it fits. Those
// that clash among each other count all the same.
func clashBeside(p *pool, id poolID, h *holder, others []*holder) *poolClash {
	used := newUsage(p)
	for _, other := range others {
		for i := range other.grants[id] {
			used.addGrant(other, &other.grants[id][i])
		}
	}
	for i := range h.grants[id] {
		if found := used.addGrant(h, &h.grants[id][i]); found != nil {
			return &poolClash{clash: *found, pool: id, node: p.node, holder: h}
		}
	}
	return nil
}

// clashesOf returns the holders of a pool that do not fit beside older ones, which are given in the
// order of their age.
func clashesOf(p *pool, id poolID, holders []*holder) []*poolClash {
	used := newUsage(p)
	var found []*poolClash
	for _, h := range holders {
		var first *clash
		for i := range h.grants[id] {
			if more := used.addGrant(h, &h.grants[id][i]); first == nil {
				first = more
			}
		}
		if first != nil {
			found = append(found, &poolClash{clash: *first, pool: id, node: p.node, holder: h})
		}
	}
	return found
}
