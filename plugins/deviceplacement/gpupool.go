package deviceplacement

import (
	"fmt"
	"maps"
	"strings"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuPool is a pool whose devices are GPUs, MIG placements and shares.
// inventory.Offers[i] is the offer of the pool's device i.
type gpuPool struct {
	inventory *placement.Inventory
	byName    map[string]int // device name to index
}

// newGPUPool reads a pool's devices; nil if any of them is not a GPU that can be
// understood, so that the pool passes through unchanged.
func newGPUPool(p *pool, known *inventories) *gpuPool {
	if p.driver != deviceapi.Driver && p.driver != deviceapi.NVIDIADriver {
		return nil
	}
	made, err := known.read(p)
	if err != nil {
		return nil
	}
	gpus := &gpuPool{inventory: made, byName: make(map[string]int, len(p.devices))}
	for i := range p.devices {
		gpus.byName[p.devices[i].Name] = i
	}
	return gpus
}

// inventories shares one Inventory between all pools of equal make.
type inventories struct {
	byMake map[string]*placement.Inventory
}

func (x *inventories) read(p *pool) (*placement.Inventory, error) {
	node, offers, err := resourceslices.Read(p.driver, p.devices)
	if err != nil {
		return nil, err
	}
	key := makeOf(node, offers)
	if known := x.byMake[key]; known != nil {
		return known, nil
	}
	made, err := placement.NewInventory(node, offers, placement.PriorDemand())
	if err != nil {
		return nil, err
	}
	if x.byMake == nil {
		x.byMake = make(map[string]*placement.Inventory)
	}
	x.byMake[key] = made
	return made, nil
}

// prune forgets inventories that no pool uses any more.
func (x *inventories) prune(inUse map[poolKey]*pool) {
	used := make(map[*placement.Inventory]bool)
	for _, p := range inUse {
		if p.gpus != nil {
			used[p.gpus.inventory] = true
		}
	}
	maps.DeleteFunc(x.byMake, func(_ string, made *placement.Inventory) bool { return !used[made] })
}

// makeOf spells out everything that placement looks at.
func makeOf(node *topology.Node, offers []placement.Device) string {
	var text strings.Builder
	for i, gpu := range node.GPUs {
		fmt.Fprintf(&text, "%s %s %t %d %d %d %s %v\n", gpu.Model.Product, gpu.Model.Compute, gpu.Model.P2P, gpu.Model.Usable(), gpu.Model.LaneGBps, gpu.NUMA, gpu.PCIeRoot, node.Links[i])
	}
	for _, offer := range offers {
		fmt.Fprintf(&text, "%v\n", offer)
	}
	return text.String()
}
