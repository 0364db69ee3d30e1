package dra

import (
	"cmp"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// poolIndex is the pools that are published.
type poolIndex struct {
	known map[*resourceapi.ResourceSlice]struct{}
	byKey map[resourceslices.PoolKey]*Pool
	// byNode are the pools whose devices are chosen, gpusByNode those of them with GPUs, in
	// allocation order.
	byNode, gpusByNode map[string][]*Pool
	// passedOn are the pools of one node that reach the in-tree code as they are, shared
	// those that are of no node or of several.
	passedOn map[string][]*Pool
	shared   []*Pool
	// withoutGPUs are the nodes that have pools and no GPUs that are understood, sorted.
	withoutGPUs []string
	// placeholders is what the in-tree plugin gets instead of all slices: two for
	// each pool here, and every slice of other pools unchanged.
	placeholders []*resourceapi.ResourceSlice
	// unmanagedPools is the number of pools that are passed on unchanged.
	unmanagedPools int
	// generation counts how often the pools have changed.
	generation int64
	// cache is what reads pools; its own if it is nil.
	cache       *resourceslices.PoolCache
	inventories inventoryCache
	makes       makeIndex
	// twins are devices of different pools that are one physical GPU.
	twins twinIndex
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
	if x.cache == nil {
		x.cache = &resourceslices.PoolCache{}
	}
	read := x.cache.ReadPools(groups)
	before := x.byKey
	x.byKey = make(map[resourceslices.PoolKey]*Pool, len(groups))
	x.byNode, x.gpusByNode = make(map[string][]*Pool), make(map[string][]*Pool)
	x.passedOn, x.shared = make(map[string][]*Pool), nil
	x.placeholders, x.unmanagedPools = nil, 0
	for key, group := range groups {
		p := before[key]
		if !p.sameSlices(group) {
			p = newPool(read[key], &x.inventories, &x.makes)
		}
		x.byKey[key] = p
		if p.unmanaged {
			x.placeholders = append(x.placeholders, group...)
			x.unmanagedPools++
			if p.Node != "" && p.OfOneNode() {
				x.passedOn[p.Node] = append(x.passedOn[p.Node], p)
			} else {
				x.shared = append(x.shared, p)
			}
			continue
		}
		x.byNode[p.Node] = append(x.byNode[p.Node], p)
		if p.gpus != nil {
			x.gpusByNode[p.Node] = append(x.gpusByNode[p.Node], p)
		}
		x.placeholders = append(x.placeholders, p.placeholder.devices)
		if p.placeholder.counters != nil {
			x.placeholders = append(x.placeholders, p.placeholder.counters)
		}
	}
	for _, pools := range x.gpusByNode {
		slices.SortFunc(pools, comparePools)
	}
	slices.SortFunc(x.shared, comparePools)
	x.withoutGPUs = nil
	for _, node := range slices.Concat(slices.Collect(maps.Keys(x.byNode)), slices.Collect(maps.Keys(x.passedOn))) {
		if len(x.gpusByNode[node]) == 0 {
			x.withoutGPUs = append(x.withoutGPUs, node)
		}
	}
	slices.Sort(x.withoutGPUs)
	x.withoutGPUs = slices.Compact(x.withoutGPUs)
	x.twins.updateTwins(x)
	x.inventories.forgetUnused(x.byKey)
	x.makes.forgetUnused(x.byKey)
}

// hidePools are the slices to hand over when a cycle begins, with nothing in the placeholders:
// those of some nodes only, or of all if only is nil. Pools of several nodes are always
// among them.
func (x *poolIndex) hidePools(only []string) []*resourceapi.ResourceSlice {
	if only == nil {
		for _, pool := range x.byKey {
			if !pool.unmanaged {
				pool.hideDevices()
			}
		}
		return x.placeholders
	}
	var handed []*resourceapi.ResourceSlice
	for _, node := range only {
		for _, pool := range x.byNode[node] {
			pool.hideDevices()
			handed = append(handed, pool.placeholder.devices)
			if pool.placeholder.counters != nil {
				handed = append(handed, pool.placeholder.counters)
			}
		}
		for _, pool := range x.passedOn[node] {
			handed = append(handed, pool.Slices...)
		}
	}
	for _, pool := range x.shared {
		handed = append(handed, pool.Slices...)
	}
	return handed
}

// comparePools is the order in which in-tree allocation tries pools.
func comparePools(a, b *Pool) int {
	return cmp.Or(cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.PoolKey.Pool, b.PoolKey.Pool))
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

// gpuPool returns the node's first pool of GPUs in allocation order, nil if it has none. A
// node has one, unless several drivers publish GPUs on it: then each pod is shown the pool
// that its requests are about.
func (x *poolIndex) gpuPool(node string) *Pool {
	if pools := x.gpusByNode[node]; len(pools) > 0 {
		return pools[0]
	}
	return nil
}

// poolsOn are all pools of a node, chosen from or passed on.
func (x *poolIndex) poolsOn(node string) []*Pool {
	return slices.Concat(x.byNode[node], x.passedOn[node])
}
