package resourceslices

import (
	"errors"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ClaimAllocation is what one allocated claim has of a node's GPUs.
type ClaimAllocation struct {
	Claim *resourceapi.ResourceClaim
	// Node is the node whose pool the devices come from.
	Node    string
	Devices []AllocatedDevice
	// Link is the slowest link between any two of the whole GPUs, and Bandwidth what
	// a job on all of them gets, in GB/s per direction; zero for fewer than two. Where not all
	// links are known the link is assumed and the bandwidth 0.
	Link      topology.Link
	Bandwidth int64
}

// AllocatedDevice is one device of a claim.
type AllocatedDevice struct {
	// Driver, Pool and Name are the device's.
	Driver, Pool, Name string
	Device             placement.Device
	Product            string
	// Profile is the MIG profile, "" for other devices.
	Profile string
	// Bytes is the memory that the holder may use.
	Bytes topology.Bytes
	// AdminAccess says that the device is only looked at, whoever holds it.
	AdminAccess bool
}

// ClaimAllocations reads the allocation of every claim that has GPUs. Devices that are
// no longer published, or are not understood, are left out. The error names pools with
// GPUs of which nothing can be said; the others are read all the same.
func ClaimAllocations(published []resourceapi.ResourceSlice, claims []resourceapi.ResourceClaim) ([]ClaimAllocation, error) {
	pools, err := readPublished(published)
	var allocations []ClaimAllocation
	for i := range claims {
		if claims[i].Status.Allocation == nil {
			continue
		}
		allocation := allocationOf(&claims[i], pools)
		if len(allocation.Devices) > 0 {
			allocations = append(allocations, allocation)
		}
	}
	return allocations, err
}

// publishedPool is a pool with what is understood of its devices.
type publishedPool struct {
	*Pool
	// inventory is nil if nothing is; byName finds its devices.
	inventory *placement.Inventory
	byName    map[string]int
	published []int
}

// deviceAt is what the pool publishes of device i of its inventory.
func (p *publishedPool) deviceAt(i int) *resourceapi.Device { return &p.Devices[p.published[i]] }

// readPublished reads the pools of the drivers whose devices are understood, in their
// newest generation: an allocation may be older than what is published of a pool.
func readPublished(published []resourceapi.ResourceSlice) (map[PoolKey]*publishedPool, error) {
	var all []*resourceapi.ResourceSlice
	for i := range published {
		if driver := published[i].Spec.Driver; driver == deviceapi.Driver || driver == deviceapi.NVIDIADriver {
			all = append(all, &published[i])
		}
	}
	pools := map[PoolKey]*publishedPool{}
	var unread []error
	for key, group := range GroupByPool(all) {
		pool := &publishedPool{Pool: NewestGeneration(key, group), byName: map[string]int{}}
		if pool.Node == "" {
			continue
		}
		reading, err := ReadPool(key.Driver, pool.Devices)
		if err == nil {
			pool.inventory, err = reading.NewInventory(placement.PriorDemand())
		}
		if err != nil {
			unread = append(unread, fmt.Errorf("pool %s of driver %s: %w", key.Pool, key.Driver, err))
			continue
		}
		pool.published = reading.Published
		for i := range reading.Devices {
			pool.byName[pool.deviceAt(i).Name] = i
		}
		pools[key] = pool
	}
	return pools, errors.Join(unread...)
}

func allocationOf(claim *resourceapi.ResourceClaim, pools map[PoolKey]*publishedPool) ClaimAllocation {
	allocation := ClaimAllocation{Claim: claim}
	whole := map[*publishedPool]placement.GPUSet{}
	var on *publishedPool // of whose GPUs the claim has most
	results := claim.Status.Allocation.Devices.Results
	for k := range results {
		pool := pools[PoolKey{results[k].Driver, results[k].Pool}]
		if pool == nil {
			continue
		}
		i, found := pool.byName[results[k].Device]
		if !found {
			continue
		}
		device := pool.inventory.Devices[i]
		got := AllocatedDevice{
			Driver: results[k].Driver, Pool: results[k].Pool, Name: results[k].Device, Device: device, Bytes: device.Memory,
			Product:     pool.inventory.Node.GPUs[device.GPU].Model.Product,
			Profile:     ProfileName(results[k].Driver, pool.deviceAt(i)),
			AdminAccess: results[k].AdminAccess != nil && *results[k].AdminAccess,
		}
		if memory, shared := ConsumedAmount(&results[k], deviceapi.Memory); shared {
			got.Bytes = topology.Bytes(memory.Value())
		}
		if device.Form == placement.Whole && !got.AdminAccess {
			whole[pool] |= 1 << device.GPU
			if on == nil || whole[pool].Len() > whole[on].Len() {
				on = pool
			}
		}
		allocation.Node = pool.Node
		allocation.Devices = append(allocation.Devices, got)
	}
	if whole[on].Len() > 1 {
		allocation.Link = SlowestLink(on.inventory.Node, whole[on])
		if !allocation.Link.Assumed {
			allocation.Bandwidth = on.inventory.RingBandwidth(whole[on])
		}
	}
	return allocation
}

// SlowestLink is the slowest link between any two of a set of GPUs; one that is assumed if any
// of them is.
func SlowestLink(node *topology.Node, gpus placement.GPUSet) topology.Link {
	worst := topology.Link{Kind: topology.Self}
	least := int64(-1)
	for a := range node.GPUs {
		for b := range a {
			if !gpus.Has(a) || !gpus.Has(b) {
				continue
			}
			if node.Links[a][b].Assumed || node.Links[b][a].Assumed {
				return topology.Link{Kind: node.Links[a][b].Kind, Assumed: true}
			}
			if rate := node.Bandwidth(a, b); least < 0 || rate < least {
				least, worst = rate, node.Links[a][b]
			}
		}
	}
	return worst
}
