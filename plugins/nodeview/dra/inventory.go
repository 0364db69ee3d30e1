package dra

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuPool is what is understood of a pool's devices: GPUs, MIG placements and shares.
type gpuPool struct {
	inventory *placement.Inventory
	// reading finds devices of the inventory by their names.
	reading *resourceslices.PoolReading
	// published[i] is the index in the pool of device i of the inventory.
	published []int
	// unsupported are the indexes in the pool of the devices that are not understood.
	unsupported []int
	// identities[i] is which physical GPU GPU i of the inventory is.
	identities []resourceslices.GPUIdentity
}

// inventoryCache shares one Inventory between all pools of equal make.
type inventoryCache struct {
	byMake map[string]*placement.Inventory
	// byReading is what is understood of the devices of a reading, without identities; nil for nothing.
	byReading map[*resourceslices.PoolReading]*gpuPool
}

// gpusOf is what a reading says of GPUs, without identities; nil if nothing in it is understood.
func (x *inventoryCache) gpusOf(reading *resourceslices.PoolReading) *gpuPool {
	if reading.Err != nil || reading.Inventory == nil {
		return nil
	}
	if known := x.byReading[reading]; known != nil {
		return known
	}
	if x.byMake == nil {
		x.byMake, x.byReading = map[string]*placement.Inventory{}, map[*resourceslices.PoolReading]*gpuPool{}
	}
	key := spellMake(reading.Node, reading.Devices)
	if x.byMake[key] == nil {
		x.byMake[key] = reading.Inventory
	}
	gpus := &gpuPool{
		inventory: x.byMake[key], reading: reading, published: reading.Published, unsupported: slices.Sorted(maps.Keys(reading.Unsupported)),
	}
	x.byReading[reading] = gpus
	return gpus
}

// forgetUnused drops inventories that no pool uses any more.
func (x *inventoryCache) forgetUnused(pools map[resourceslices.PoolKey]*Pool) {
	used, read := make(map[*placement.Inventory]bool), make(map[*resourceslices.PoolReading]bool)
	for _, p := range pools {
		if p.gpus != nil {
			used[p.gpus.inventory], read[p.gpus.reading] = true, true
		}
	}
	maps.DeleteFunc(x.byMake, func(_ string, inventory *placement.Inventory) bool { return !used[inventory] })
	maps.DeleteFunc(x.byReading, func(reading *resourceslices.PoolReading, _ *gpuPool) bool { return !read[reading] })
}

// spellMake spells out everything that placement looks at.
func spellMake(node *topology.Node, devices []placement.Device) string {
	var text strings.Builder
	for i, gpu := range node.GPUs {
		fmt.Fprintf(
			&text, "%s %s %t %d %d %d %s %v\n", gpu.Model.Product, gpu.Model.Compute, gpu.Model.P2P, gpu.Model.Usable(), gpu.Model.LaneGBps,
			gpu.NUMA, gpu.PCIeRoot, node.Links[i],
		)
	}
	for _, nic := range node.NICs {
		fmt.Fprintf(&text, "%v\n", nic.Links)
	}
	for _, device := range devices {
		fmt.Fprintf(&text, "%v\n", device)
	}
	return text.String()
}
