package dra

import (
	"maps"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// poolMake is all pools whose devices differ in nothing but their identity: what holds of
// the devices of one holds of those of the others, unless it reads which device it is.
type poolMake struct {
	// number tells makes apart for as long as the source.
	number int32
	// inventory is what all of them hand out, nil if no GPUs.
	inventory *placement.Inventory
	matches   matchCache
}

// makeKey is what a make is known by.
type makeKey struct {
	inventory *placement.Inventory
	// devices is what resourceslices.PoolReading has as Make.
	devices uint64
}

// makeIndex knows the makes of pools. Numbers are not used again.
type makeIndex struct {
	byKey map[makeKey]*poolMake
	next  int32
}

// makeOf finds the make of a pool.
func (x *makeIndex) makeOf(p *Pool, devices uint64) *poolMake {
	if x.byKey == nil {
		x.byKey = map[makeKey]*poolMake{}
	}
	key := makeKey{devices: devices}
	if p.gpus != nil {
		key.inventory = p.gpus.inventory
	}
	known := x.byKey[key]
	if known == nil {
		known = &poolMake{number: x.next, inventory: key.inventory}
		x.next++
		x.byKey[key] = known
	}
	return known
}

// forgetUnused drops makes of which there is no pool any more.
func (x *makeIndex) forgetUnused(pools map[resourceslices.PoolKey]*Pool) {
	used := make(map[*poolMake]bool)
	for _, p := range pools {
		used[p.kind] = true
	}
	maps.DeleteFunc(x.byKey, func(_ makeKey, known *poolMake) bool { return !used[known] })
}
