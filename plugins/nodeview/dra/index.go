package dra

import (
	"cmp"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// poolIndex is the pools that are published.
type poolIndex struct {
	known  map[*resourceapi.ResourceSlice]struct{}
	byKey  map[resourceslices.PoolKey]*Pool
	byNode map[string][]*Pool
	// placeholders is what the in-tree plugin gets instead of all slices: two for
	// each pool here, and every slice of other pools unchanged.
	placeholders []*resourceapi.ResourceSlice
	// unmanagedPools is the number of pools that are passed on unchanged.
	unmanagedPools int
	// generation counts how often the pools have changed.
	generation  int64
	inventories inventoryCache
}

// updatePools takes the current slices. It rebuilds only pools whose slices changed;
// informers replace a slice's pointer with every change.
func (x *poolIndex) updatePools(published []*resourceapi.ResourceSlice) {
	if x.upToDate(published) {
		return
	}
	x.generation++
	x.known = make(map[*resourceapi.ResourceSlice]struct{}, len(published))
	for _, slice := range published {
		x.known[slice] = struct{}{}
	}
	groups := resourceslices.GroupByPool(published)
	before := x.byKey
	x.byKey = make(map[resourceslices.PoolKey]*Pool, len(groups))
	x.byNode = make(map[string][]*Pool)
	x.placeholders, x.unmanagedPools = nil, 0
	for key, group := range groups {
		p := before[key]
		if !p.sameSlices(group) {
			p = newPool(resourceslices.NewestGeneration(key, group), &x.inventories)
		}
		if p == nil {
			x.placeholders = append(x.placeholders, group...)
			x.unmanagedPools++
			continue
		}
		x.byKey[key] = p
		x.byNode[p.Node] = append(x.byNode[p.Node], p)
		x.placeholders = append(x.placeholders, p.placeholder.devices)
		if p.placeholder.counters != nil {
			x.placeholders = append(x.placeholders, p.placeholder.counters)
		}
	}
	x.inventories.forgetUnused(x.byKey)
}

func (x *poolIndex) upToDate(published []*resourceapi.ResourceSlice) bool {
	if x.known == nil || len(published) != len(x.known) {
		return false
	}
	for _, slice := range published {
		if _, known := x.known[slice]; !known {
			return false
		}
	}
	return true
}

// gpuPool returns the node's pool of GPUs. A node has one; should several drivers
// publish GPUs on one node, the first in allocation order is steered and the
// others are left to the in-tree code.
func (x *poolIndex) gpuPool(node string) *Pool {
	var found *Pool
	for _, p := range x.byNode[node] {
		if p.gpus != nil && (found == nil || cmp.Or(cmp.Compare(p.Driver, found.Driver), cmp.Compare(p.PoolKey.Pool, found.PoolKey.Pool)) < 0) {
			found = p
		}
	}
	return found
}
