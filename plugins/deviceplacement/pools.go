package deviceplacement

import (
	"cmp"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
)

// pools indexes the published ResourceSlices. It belongs to the scheduling cycle,
// which is serial.
type pools struct {
	known  map[*resourceapi.ResourceSlice]struct{}
	byKey  map[poolKey]*pool
	byNode map[string][]*pool
	// placeholders is what the in-tree plugin gets instead of all slices: two for
	// each pool here, and every slice of other pools unchanged.
	placeholders []*resourceapi.ResourceSlice
	// foreign is the number of pools that are passed on unchanged.
	foreign     int
	inventories inventories
}

// update takes the current slices. It rebuilds only pools whose slices changed;
// informers replace a slice's pointer with every change.
func (x *pools) update(published []*resourceapi.ResourceSlice) {
	if x.unchanged(published) {
		return
	}
	x.known = make(map[*resourceapi.ResourceSlice]struct{}, len(published))
	groups := make(map[poolKey][]*resourceapi.ResourceSlice)
	for _, slice := range published {
		x.known[slice] = struct{}{}
		key := poolKey{slice.Spec.Driver, slice.Spec.Pool.Name}
		groups[key] = append(groups[key], slice)
	}
	before := x.byKey
	x.byKey = make(map[poolKey]*pool, len(groups))
	x.byNode = make(map[string][]*pool)
	x.placeholders, x.foreign = nil, 0
	for key, group := range groups {
		slices.SortFunc(group, func(a, b *resourceapi.ResourceSlice) int { return cmp.Compare(a.Name, b.Name) })
		p := before[key]
		if p == nil || !slices.Equal(p.sources, group) {
			if p = newPool(key, group); p != nil {
				p.gpus = newGPUPool(p, &x.inventories)
			}
		}
		if p == nil {
			x.placeholders = append(x.placeholders, group...)
			x.foreign++
			continue
		}
		x.byKey[key] = p
		x.byNode[p.node] = append(x.byNode[p.node], p)
		x.placeholders = append(x.placeholders, p.deviceSlice)
		if p.counterSlice != nil {
			x.placeholders = append(x.placeholders, p.counterSlice)
		}
	}
	x.inventories.prune(x.byKey)
}

func (x *pools) unchanged(published []*resourceapi.ResourceSlice) bool {
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
func (x *pools) gpuPool(node string) *pool {
	var found *pool
	for _, p := range x.byNode[node] {
		if p.gpus != nil && (found == nil || cmp.Or(cmp.Compare(p.driver, found.driver), cmp.Compare(p.name, found.name)) < 0) {
			found = p
		}
	}
	return found
}
