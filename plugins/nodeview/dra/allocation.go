package dra

import (
	"cmp"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// poolAllocation is what is allocated of a pool.
type poolAllocation struct {
	// devices are those that are understood, by their indexes in the inventory; all shares
	// of one device are one entry.
	devices []placement.DeviceAllocation
	// inUse are all of them, by their indexes in the pool.
	inUse []int
	// twinHeld are devices, by their indexes in the pool, of GPUs that are held through
	// another driver or device; heldThrough says through which, by the GPU's index.
	twinHeld    map[int]bool
	heldThrough map[int]string
	// overdrawn is nil unless devices were given away that do not fit beside one another.
	overdrawn *overdrawnCounters
}

// allocatedByPool sorts what is allocated by pool. Pools of which nothing is allocated
// are not in it.
type allocatedByPool map[*Pool]*poolAllocation

// ofPool is what is allocated of a pool.
func (a allocatedByPool) ofPool(p *Pool) poolAllocation {
	if found := a[p]; found != nil {
		return *found
	}
	return poolAllocation{}
}

// sortAllocated sorts what is allocated in the cluster by pool. Its cost grows with what
// is allocated, not with what is published.
func (x *poolIndex) sortAllocated(state *structured.AllocatedState) allocatedByPool {
	allocated := allocatedByPool{}
	for id := range state.AllocatedDevices {
		x.addAllocated(allocated, id, placement.ShareSize{})
	}
	for id, amounts := range state.AggregatedCapacity {
		x.addAllocated(allocated, id, placement.ShareSize{Bytes: sharedBytes(id.Driver.String(), amounts)})
	}
	for p := range allocated {
		allocated.sortPool(p)
	}
	return allocated
}

// sortPool puts what is allocated of a pool in order, and looks for what was given away twice.
func (a allocatedByPool) sortPool(p *Pool) {
	if of := a[p]; of != nil {
		slices.SortFunc(of.devices, func(a, b placement.DeviceAllocation) int { return cmp.Compare(a.Device, b.Device) })
		slices.Sort(of.inUse)
		of.overdrawn = p.findOverdrawn(of)
	}
}

// addHeld adds what a state says of one device.
func (x *poolIndex) addHeld(allocated allocatedByPool, state *structured.AllocatedState, id structured.DeviceID) {
	if state.AllocatedDevices.Has(id) {
		x.addAllocated(allocated, id, placement.ShareSize{})
	}
	if amounts, shared := state.AggregatedCapacity[id]; shared {
		x.addAllocated(allocated, id, placement.ShareSize{Bytes: sharedBytes(id.Driver.String(), amounts)})
	}
}

func (x *poolIndex) addAllocated(allocated allocatedByPool, id structured.DeviceID, size placement.ShareSize) {
	p := x.byKey[resourceslices.PoolKey{Driver: id.Driver.String(), Pool: id.Pool.String()}]
	if p == nil {
		return
	}
	name := id.Device.String()
	if twins := x.twins.byNode[p.Node]; twins != nil && twins.of[p] != nil {
		at := slices.IndexFunc(p.Devices, func(d resourceapi.Device) bool { return d.Name == name })
		if at >= 0 && twins.of[p][at] != nil {
			twins.of[p][at].eachTwin(p, at, allocated.holdTwin)
		}
	}
	if p.gpus == nil {
		return
	}
	of := allocated.ensurePool(p)
	if i, found := p.gpus.reading.DeviceNamed(name); found {
		of.devices = append(of.devices, placement.DeviceAllocation{Device: i, ShareSize: size})
		of.inUse = append(of.inUse, p.gpus.published[i])
		return
	}
	for _, at := range p.gpus.unsupported {
		if p.Devices[at].Name == name {
			of.inUse = append(of.inUse, at)
			return
		}
	}
}

func (a allocatedByPool) ensurePool(p *Pool) *poolAllocation {
	if a[p] == nil {
		a[p] = &poolAllocation{}
	}
	return a[p]
}

// holdTwin notes that a device is not free because its GPU is held through something else.
func (a allocatedByPool) holdTwin(twin twinDevice, through string) {
	of := a.ensurePool(twin.pool)
	if of.twinHeld == nil {
		of.twinHeld, of.heldThrough = map[int]bool{}, map[int]string{}
	}
	of.twinHeld[twin.device] = true
	if gpu := twin.pool.gpuOf(twin.device); gpu >= 0 {
		of.heldThrough[gpu] = through
	}
}

// gpuOf is the GPU of the inventory that a device of the pool is on, -1 if it is not
// understood.
func (p *Pool) gpuOf(device int) int {
	if p.gpus == nil {
		return -1
	}
	if i, found := p.gpus.reading.DeviceNamed(p.Devices[device].Name); found {
		return p.gpus.inventory.Devices[i].GPU
	}
	return -1
}

// gpuStates is what is held of a pool's GPUs.
func (a allocatedByPool) gpuStates(p *Pool) placement.GPUStates {
	state := placement.NewGPUStates(p.gpus.inventory)
	of := a.ofPool(p)
	for _, device := range of.devices {
		p.gpus.inventory.HoldDevice(state, device.Device, device.ShareSize)
	}
	for gpu := range of.heldThrough {
		for _, device := range p.devicesFilling(gpu) {
			p.gpus.inventory.HoldDevice(state, device.Device, device.ShareSize)
		}
	}
	return state
}

// devicesFilling are devices which, held together, leave nothing of a GPU: the GPU as a
// whole, or else its MIG devices, or its memory.
func (p *Pool) devicesFilling(gpu int) []placement.DeviceAllocation {
	var fill []placement.DeviceAllocation
	form := placement.Share + 1
	for i := range p.gpus.inventory.Devices {
		device := &p.gpus.inventory.Devices[i]
		if device.GPU != gpu || device.Form > form {
			continue
		}
		if device.Form < form {
			form, fill = device.Form, nil
		}
		if form == placement.MIG || len(fill) == 0 {
			fill = append(fill, placement.DeviceAllocation{Device: i})
		}
	}
	return fill
}

// nodeState is who holds what of a pool: each of its claims under its UID. Devices of
// which no claim is known, because its allocation is on the way, have the holder "".
func (a allocatedByPool) nodeState(p *Pool, claims []*resourceapi.ResourceClaim) *placement.NodeState {
	allocated := a.ofPool(p).devices
	left := make(map[int]placement.ShareSize, len(allocated))
	for _, device := range allocated {
		left[device.Device] = device.ShareSize
	}
	state := placement.NewNodeState(p.gpus.inventory)
	for _, claim := range claims {
		if devices := p.heldBy(claim, left); len(devices) > 0 {
			state.RecordAllocation(placement.Allocation{Holder: placement.HolderID(claim.UID), Devices: devices})
		}
	}
	var rest []placement.DeviceAllocation
	for _, device := range allocated {
		if size, unknown := left[device.Device]; unknown {
			rest = append(rest, placement.DeviceAllocation{Device: device.Device, ShareSize: size})
		}
	}
	if len(rest) > 0 {
		state.RecordAllocation(placement.Allocation{Devices: rest})
	}
	return &state
}

// claimIndex is the allocated claims by the pool that their devices are of, read when
// somebody first asks.
type claimIndex struct {
	once   sync.Once
	byPool map[resourceslices.PoolKey][]*resourceapi.ResourceClaim
	err    error
}

// claimsOf are the claims with devices of a pool.
func (x *claimIndex) claimsOf(key resourceslices.PoolKey, claims fwk.ResourceClaimTracker) ([]*resourceapi.ResourceClaim, error) {
	x.once.Do(func() {
		var all []*resourceapi.ResourceClaim
		if all, x.err = claims.List(); x.err != nil {
			return
		}
		x.byPool = map[resourceslices.PoolKey][]*resourceapi.ResourceClaim{}
		for _, claim := range all {
			for _, key := range poolsOf(claim) {
				x.byPool[key] = append(x.byPool[key], claim)
			}
		}
	})
	return x.byPool[key], x.err
}

// poolsOf are the pools that a claim has devices of, each once.
func poolsOf(claim *resourceapi.ResourceClaim) []resourceslices.PoolKey {
	if claim.Status.Allocation == nil {
		return nil
	}
	var keys []resourceslices.PoolKey
	for i := range claim.Status.Allocation.Devices.Results {
		result := &claim.Status.Allocation.Devices.Results[i]
		if key := (resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// heldBy are the devices of a claim among those that are left to be told apart, and takes
// them out. What an administrator only looks at is not held.
func (p *Pool) heldBy(claim *resourceapi.ResourceClaim, left map[int]placement.ShareSize) []placement.DeviceAllocation {
	var devices []placement.DeviceAllocation
	results := claim.Status.Allocation.Devices.Results
	for k := range results {
		device, found := p.deviceOf(&results[k])
		size, isLeft := left[device.Device]
		if !found || !isLeft || isAdminAccess(&results[k]) {
			continue
		}
		devices = append(devices, device)
		if p.gpus.inventory.Devices[device.Device].Form == placement.Share && device.Bytes < size.Bytes {
			left[device.Device] = placement.ShareSize{Bytes: size.Bytes - device.Bytes}
		} else {
			delete(left, device.Device)
		}
	}
	return devices
}

// devicesOf are the devices of the pool that claims are allocated, one part for each
// request. Those that are not understood are left out.
func (p *Pool) devicesOf(claims []*resourceapi.ResourceClaim) []placement.DeviceAllocation {
	var devices []placement.DeviceAllocation
	part := -1
	for _, claim := range claims {
		previous := ""
		if claim.Status.Allocation == nil {
			continue
		}
		results := claim.Status.Allocation.Devices.Results
		for k := range results {
			if results[k].Request != previous {
				previous = results[k].Request
				part++
			}
			if device, found := p.deviceOf(&results[k]); found && !isAdminAccess(&results[k]) {
				device.Part = part
				devices = append(devices, device)
			}
		}
	}
	return devices
}

// isAdminAccess reports whether a device is only looked at, and not held.
func isAdminAccess(result *resourceapi.DeviceRequestAllocationResult) bool {
	return result.AdminAccess != nil && *result.AdminAccess
}

// deviceOf is the device that an allocation names, if it is one of the pool that is
// understood.
func (p *Pool) deviceOf(result *resourceapi.DeviceRequestAllocationResult) (placement.DeviceAllocation, bool) {
	i, found := p.gpus.reading.DeviceNamed(result.Device)
	if !found || result.Driver != p.Driver || result.Pool != p.PoolKey.Pool {
		return placement.DeviceAllocation{}, false
	}
	device := placement.DeviceAllocation{Device: i}
	if memory, shared := resourceslices.ConsumedAmount(result, deviceapi.Memory); shared {
		device.Bytes = topology.Bytes(max(1, memory.Value()))
	}
	return device, true
}

// sharedBytes is the memory that the shares of a device hold together. A sum that
// cannot be, because somebody booked a negative amount, counts as all of it.
func sharedBytes(driver string, amounts structured.ConsumedCapacity) topology.Bytes {
	const all = 0
	memory, found := resourceslices.FindQualified(amounts, driver, deviceapi.Memory)
	switch {
	case !found || memory == nil:
		return 1
	case memory.Sign() < 0:
		return all
	}
	return topology.Bytes(max(1, memory.Value()))
}

// MilliGPUsOf is how many thousandths of a GPU a pod's claims have, of a MIG device or a share
// its part of the memory. Devices that are not GPUs, or not understood, count for nothing.
func (c *Cycle) MilliGPUsOf(pod *v1.Pod) int64 {
	total := int64(0)
	for _, name := range ClaimNames(pod) {
		claim, err := c.source.manager.ResourceClaims().Get(pod.Namespace, name)
		if err != nil || claim.Status.Allocation == nil {
			continue
		}
		for i := range claim.Status.Allocation.Devices.Results {
			result := &claim.Status.Allocation.Devices.Results[i]
			p := c.source.pools.byKey[resourceslices.PoolKey{Driver: result.Driver, Pool: result.Pool}]
			if p == nil || p.gpus == nil || isAdminAccess(result) {
				continue
			}
			if device, found := p.deviceOf(result); found {
				total += p.gpus.milliGPUs(device)
			}
		}
	}
	return total
}

// milliGPUs is how many thousandths of a GPU a device is, or what is held of it.
func (g *gpuPool) milliGPUs(held placement.DeviceAllocation) int64 {
	const whole = 1000
	device := &g.inventory.Devices[held.Device]
	memory := int64(g.inventory.Node.GPUs[device.GPU].Model.Usable())
	amount := int64(device.Memory)
	if held.Bytes > 0 {
		amount = int64(held.Bytes)
	}
	if device.Form == placement.Whole || memory <= 0 {
		return whole
	}
	return min(whole, max(1, amount/(memory/whole)))
}
