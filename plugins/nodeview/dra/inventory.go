package dra

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuPool is what is understood of a pool's devices: GPUs, MIG placements and shares.
type gpuPool struct {
	inventory *placement.Inventory
	// published[i] is the index in the pool of device i of the inventory; byName finds the
	// latter by its name.
	published []int
	byName    map[string]int
	// unsupported are the indexes in the pool of the devices that are not understood.
	unsupported []int
	// identities[i] is which physical GPU GPU i of the inventory is.
	identities []resourceslices.GPUIdentity
}

// inventoryCache shares one Inventory between all pools of equal make.
type inventoryCache struct {
	byMake map[string]*placement.Inventory
}

// inventoryOf is the inventory of a reading; nil if nothing in it is understood.
func (x *inventoryCache) inventoryOf(reading *resourceslices.Reading) (*placement.Inventory, error) {
	if reading.Node == nil || len(reading.Devices) == 0 {
		return nil, nil
	}
	key := spellMake(reading.Node, reading.Devices)
	if known := x.byMake[key]; known != nil {
		return known, nil
	}
	inventory, err := reading.NewInventory(placement.PriorDemand())
	if err != nil || inventory == nil {
		return nil, err
	}
	if x.byMake == nil {
		x.byMake = make(map[string]*placement.Inventory)
	}
	// Without the devices that could not be modelled, it may be a make that is known.
	key = spellMake(reading.Node, reading.Devices)
	if known := x.byMake[key]; known != nil {
		return known, nil
	}
	x.byMake[key] = inventory
	return inventory, nil
}

// forgetUnused drops inventories that no pool uses any more.
func (x *inventoryCache) forgetUnused(pools map[resourceslices.PoolKey]*Pool) {
	used := make(map[*placement.Inventory]bool)
	for _, p := range pools {
		if p.gpus != nil {
			used[p.gpus.inventory] = true
		}
	}
	maps.DeleteFunc(x.byMake, func(_ string, inventory *placement.Inventory) bool { return !used[inventory] })
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
