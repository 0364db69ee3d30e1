package resourceslices

import (
	"cmp"
	"fmt"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Holding is what one allocated claim holds of a node's GPUs.
type Holding struct {
	Claim *resourceapi.ResourceClaim
	// Node is the node whose pool the devices come from.
	Node    string
	Devices []Held
	// Link is the slowest link between any two of the whole GPUs, and Bandwidth what
	// a job on all of them gets, in GB/s per direction; zero for fewer than two.
	Link      topology.Link
	Bandwidth int64
}

// Held is one allocated device.
type Held struct {
	Device  string
	Offer   placement.Device
	Product string
	Profile string
	// Bytes is the memory that the holder may use.
	Bytes topology.Bytes
}

// Holdings reads the allocation of every claim that holds GPUs. Devices that are
// no longer published are left out.
func Holdings(slicesOf []resourceapi.ResourceSlice, claims []resourceapi.ResourceClaim) ([]Holding, error) {
	pools, err := readPools(slicesOf)
	if err != nil {
		return nil, err
	}
	var holdings []Holding
	for i := range claims {
		if claims[i].Status.Allocation == nil {
			continue
		}
		holding := holdingOf(&claims[i], pools)
		if len(holding.Devices) > 0 {
			holdings = append(holdings, holding)
		}
	}
	return holdings, nil
}

type poolKey struct{ driver, pool string }

type publishedPool struct {
	node      string
	devices   []resourceapi.Device
	byName    map[string]int
	inventory *placement.Inventory
}

func readPools(slicesOf []resourceapi.ResourceSlice) (map[poolKey]*publishedPool, error) {
	sorted := slices.Clone(slicesOf)
	slices.SortFunc(sorted, func(a, b resourceapi.ResourceSlice) int { return cmp.Compare(a.Name, b.Name) })
	latest := map[poolKey]int64{}
	for i := range sorted {
		key := poolKey{sorted[i].Spec.Driver, sorted[i].Spec.Pool.Name}
		latest[key] = max(latest[key], sorted[i].Spec.Pool.Generation)
	}
	pools := map[poolKey]*publishedPool{}
	for i := range sorted {
		spec := &sorted[i].Spec
		key := poolKey{spec.Driver, spec.Pool.Name}
		if spec.NodeName == nil || spec.Pool.Generation != latest[key] || spec.Driver != deviceapi.Driver && spec.Driver != deviceapi.NVIDIADriver {
			continue
		}
		if pools[key] == nil {
			pools[key] = &publishedPool{node: *spec.NodeName, byName: map[string]int{}}
		}
		pool := pools[key]
		for _, d := range spec.Devices {
			pool.byName[d.Name] = len(pool.devices)
			pool.devices = append(pool.devices, d)
		}
	}
	for key, pool := range pools {
		node, offers, err := Read(key.driver, pool.devices)
		if err != nil {
			return nil, fmt.Errorf("pool %s of driver %s: %w", key.pool, key.driver, err)
		}
		if pool.inventory, err = placement.NewInventory(node, offers, placement.PriorDemand()); err != nil {
			return nil, fmt.Errorf("pool %s of driver %s: %w", key.pool, key.driver, err)
		}
	}
	return pools, nil
}

func holdingOf(claim *resourceapi.ResourceClaim, pools map[poolKey]*publishedPool) Holding {
	holding := Holding{Claim: claim}
	var gpus []int
	var all placement.GPUSet
	var on *placement.Inventory
	for _, result := range claim.Status.Allocation.Devices.Results {
		pool := pools[poolKey{result.Driver, result.Pool}]
		if pool == nil {
			continue
		}
		i, found := pool.byName[result.Device]
		if !found {
			continue
		}
		offer := pool.inventory.Devices[i]
		held := Held{
			Device: result.Device, Offer: offer, Bytes: offer.Memory,
			Product: pool.inventory.Node.GPUs[offer.GPU].Model.Product,
			Profile: ProfileName(result.Driver, &pool.devices[i]),
		}
		if memory, shared := result.ConsumedCapacity[deviceapi.Memory]; shared {
			held.Bytes = topology.Bytes(memory.Value())
		}
		if offer.Form == placement.Whole {
			gpus = append(gpus, offer.GPU)
			all |= 1 << offer.GPU
		}
		holding.Node, on = pool.node, pool.inventory
		holding.Devices = append(holding.Devices, held)
	}
	if len(gpus) > 1 {
		holding.Bandwidth = on.RingBandwidth(all)
		holding.Link = slowest(on.Node, gpus)
	}
	return holding
}

// slowest is the slowest link between any two of the GPUs.
func slowest(node *topology.Node, gpus []int) topology.Link {
	worst := topology.Link{Kind: topology.Self}
	least := int64(-1)
	for i, a := range gpus {
		for _, b := range gpus[:i] {
			if rate := node.Bandwidth(a, b); least < 0 || rate < least {
				least, worst = rate, node.Links[a][b]
			}
		}
	}
	return worst
}
