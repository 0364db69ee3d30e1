package deviceplacement

import (
	"cmp"
	"slices"

	"k8s.io/dynamic-resource-allocation/structured"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// heldDevices lists, for each GPU pool, the devices that are allocated; all shares of
// one device count as one grant. Pools of which nothing is held are not in it.
type heldDevices map[*pool][]placement.DeviceAllocation

// held sorts what is allocated in the cluster by pool. Its cost grows with what is
// allocated, not with what is published.
func (x *pools) held(allocated *structured.AllocatedState) heldDevices {
	held := heldDevices{}
	add := func(id structured.DeviceID, size placement.ShareSize) {
		p := x.byKey[poolKey{id.Driver.String(), id.Pool.String()}]
		if p == nil || p.gpus == nil {
			return
		}
		if i, found := p.gpus.byName[id.Device.String()]; found {
			held[p] = append(held[p], placement.DeviceAllocation{Device: i, ShareSize: size})
		}
	}
	for id := range allocated.AllocatedDevices {
		add(id, placement.ShareSize{})
	}
	for id, amounts := range allocated.AggregatedCapacity {
		add(id, placement.ShareSize{Bytes: sharedBytes(amounts)})
	}
	for _, grants := range held {
		slices.SortFunc(grants, func(a, b placement.DeviceAllocation) int { return cmp.Compare(a.Device, b.Device) })
	}
	return held
}

// state is what is held of a pool's GPUs.
func (h heldDevices) state(p *pool) placement.GPUStates {
	state := placement.NewGPUStates(p.gpus.inventory)
	for _, grant := range h[p] {
		p.gpus.inventory.HoldDevice(state, grant.Device, grant.ShareSize)
	}
	return state
}

// sharedBytes is the memory that the shares of a device hold together. A sum that
// cannot be, because somebody booked a negative amount, counts as all of it.
func sharedBytes(amounts structured.ConsumedCapacity) topology.Bytes {
	const all = 0
	memory := amounts[deviceapi.Memory]
	switch {
	case memory == nil:
		return 1
	case memory.Sign() < 0:
		return all
	}
	return topology.Bytes(max(1, memory.Value()))
}
