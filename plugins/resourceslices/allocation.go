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

// PoolReader reads pools: Readings, or a PoolCache.
type PoolReader interface {
	ReadPool(key PoolKey, published []*resourceapi.ResourceSlice) *PublishedPool
}

// ClaimAllocations reads the allocation of every claim that has GPUs. Devices that are
// no longer published, or are not understood, are left out. The error names pools that claims have devices
// of and of which nothing can be said; the others are read all the same.
func ClaimAllocations(published []resourceapi.ResourceSlice, claims []resourceapi.ResourceClaim) ([]ClaimAllocation, error) {
	slicesOf, claimsOf := make([]*resourceapi.ResourceSlice, len(published)), make([]*resourceapi.ResourceClaim, len(claims))
	for i := range published {
		slicesOf[i] = &published[i]
	}
	for i := range claims {
		claimsOf[i] = &claims[i]
	}
	return ReadAllocations(&Readings{}, GroupByPool(slicesOf), claimsOf)
}

// ReadAllocations is ClaimAllocations of slices that are grouped by their pools. Only pools that a claim has
// devices of are read.
func ReadAllocations(
	reader PoolReader, groups map[PoolKey][]*resourceapi.ResourceSlice, claims []*resourceapi.ResourceClaim,
) ([]ClaimAllocation, error) {
	known := &allocatedPools{reader: reader, groups: groups, read: map[PoolKey]*PublishedPool{}}
	var allocations []ClaimAllocation
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		if allocation := allocationOf(claim, known); len(allocation.Devices) > 0 {
			allocations = append(allocations, allocation)
		}
	}
	return allocations, errors.Join(known.unread...)
}

// allocatedPools are pools that claims have devices of, in their newest generation: an allocation may be
// older than what is published of a pool.
type allocatedPools struct {
	reader PoolReader
	groups map[PoolKey][]*resourceapi.ResourceSlice
	read   map[PoolKey]*PublishedPool
	unread []error
}

// poolOf is the pool of a device, nil if there is none that is understood.
func (x *allocatedPools) poolOf(key PoolKey) *PublishedPool {
	known, read := x.read[key]
	if read {
		return known
	}
	if group := x.groups[key]; group != nil && HasGPUs(key.Driver) {
		pool := x.reader.ReadPool(key, group)
		switch err := pool.Reading.Err; {
		case pool.Node == "":
		case err != nil:
			x.unread = append(x.unread, fmt.Errorf("pool %s of driver %s: %w", key.Pool, key.Driver, err))
		case pool.Reading.Inventory != nil:
			known = pool
		}
	}
	x.read[key] = known
	return known
}

// HasGPUs reports whether the devices of a driver are understood: Ashlar's, and NVIDIA's.
func HasGPUs(driver string) bool {
	return driver == deviceapi.Driver || driver == deviceapi.NVIDIADriver
}

// FindAllocated is the device of the pool that a result of an allocation names, and its index in the reading's
// Devices; false if it is not the pool's, not published any more or not understood.
func (p *PublishedPool) FindAllocated(result *resourceapi.DeviceRequestAllocationResult) (AllocatedDevice, int, bool) {
	i, found := p.Reading.DeviceNamed(result.Device)
	if !found || result.Driver != p.Driver || result.Pool != p.PoolKey.Pool {
		return AllocatedDevice{}, 0, false
	}
	device := p.Reading.Devices[i]
	got := AllocatedDevice{
		Driver: result.Driver, Pool: result.Pool, Name: result.Device, Device: device, Bytes: device.Memory,
		Product:     p.Reading.Node.GPUs[device.GPU].Model.Product,
		Profile:     p.Reading.Profiles[i],
		AdminAccess: result.AdminAccess != nil && *result.AdminAccess,
	}
	if memory, shared := ConsumedAmount(result, deviceapi.Memory); shared {
		got.Bytes = topology.Bytes(memory.Value())
	}
	return got, i, true
}

func allocationOf(claim *resourceapi.ResourceClaim, known *allocatedPools) ClaimAllocation {
	allocation := ClaimAllocation{Claim: claim}
	whole := map[*PublishedPool]placement.GPUSet{}
	var on *PublishedPool // of whose GPUs the claim has most
	results := claim.Status.Allocation.Devices.Results
	for k := range results {
		pool := known.poolOf(PoolKey{results[k].Driver, results[k].Pool})
		if pool == nil {
			continue
		}
		got, _, found := pool.FindAllocated(&results[k])
		if !found {
			continue
		}
		if got.Device.Form == placement.Whole && !got.AdminAccess {
			whole[pool] |= 1 << got.Device.GPU
			if on == nil || whole[pool].Len() > whole[on].Len() {
				on = pool
			}
		}
		allocation.Node = pool.Node
		allocation.Devices = append(allocation.Devices, got)
	}
	if whole[on].Len() > 1 {
		inventory := on.Reading.Inventory
		allocation.Link = SlowestLink(inventory.Node, whole[on])
		if !allocation.Link.Assumed {
			allocation.Bandwidth = inventory.RingBandwidth(whole[on])
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
