package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// HolderID names who holds something of a node: the UID of a claim, the number of a
// job. It is opaque to this package.
type HolderID string

// Allocation is what one holder has of one node.
type Allocation struct {
	Holder HolderID
	// Priority is the holder's: preemption only ends holders of lower priority.
	Priority int64
	// Pinned says that the holder may be neither moved nor ended.
	Pinned bool
	// Host is what it takes besides devices.
	Host    topology.HostResources
	Devices []DeviceAllocation
}

// NodeState is who holds what of a node. It is the only ledger of that: what is held of
// each GPU is the sum of the allocations, kept beside them because the search reads
// nothing else. A NodeState belongs to one goroutine at a time.
type NodeState struct {
	inventory   *Inventory
	gpus        GPUStates
	allocations []Allocation
	// overlapping says that allocations were recorded that do not fit beside one another;
	// the sums must then be taken anew when one of them goes.
	overlapping bool
}

// NewNodeState returns the state of a node that nobody uses; inv is nil for a node
// without GPUs.
func NewNodeState(inv *Inventory) NodeState {
	if inv == nil {
		return NodeState{}
	}
	return NodeState{inventory: inv, gpus: NewGPUStates(inv)}
}

// GPUs is what is held of each GPU. It must not be changed.
func (s *NodeState) GPUs() GPUStates { return s.gpus }

// Allocations lists who holds something, in the order in which they came. It must not
// be changed.
func (s *NodeState) Allocations() []Allocation { return s.allocations }

// Allocate gives a holder what a verdict chose. It is an error, and changes nothing, if
// one of the devices does not fit. A holder may have several allocations on a node.
func (s *NodeState) Allocate(a Allocation) error {
	for i, device := range a.Devices {
		if err := s.inventory.TakeDevice(s.gpus, device.Device, device.ShareSize); err != nil {
			for _, undo := range a.Devices[:i] {
				s.inventory.ReleaseDevice(s.gpus, undo.Device, undo.ShareSize)
			}
			return fmt.Errorf("allocating to %s: %w", a.Holder, err)
		}
	}
	s.allocations = append(s.allocations, a)
	return nil
}

// RecordAllocation notes what somebody else has allocated already, whether or not it
// fits beside what is known.
func (s *NodeState) RecordAllocation(a Allocation) {
	s.holdDevices(a)
	s.allocations = append(s.allocations, a)
}

// holdDevices adds an allocation to the sums.
func (s *NodeState) holdDevices(a Allocation) {
	for _, device := range a.Devices {
		s.overlapping = s.overlapping || !s.inventory.DeviceFits(s.gpus, device.Device, device.ShareSize)
		s.inventory.HoldDevice(s.gpus, device.Device, device.ShareSize)
	}
}

// ReleaseHolder takes back everything that a holder has here and returns it, nil if it
// has nothing.
func (s *NodeState) ReleaseHolder(holder HolderID) []Allocation {
	var released []Allocation
	for i := 0; i < len(s.allocations); {
		if s.allocations[i].Holder != holder {
			i++
			continue
		}
		released = append(released, s.ReleaseAt(i))
	}
	return released
}

// ReleaseAt takes back the allocation at an index of Allocations. RestoreAt with the
// same index undoes it.
func (s *NodeState) ReleaseAt(i int) Allocation {
	released := s.allocations[i]
	s.allocations = slices.Delete(s.allocations, i, i+1)
	if s.overlapping {
		s.recountGPUs()
		return released
	}
	for _, device := range released.Devices {
		s.inventory.ReleaseDevice(s.gpus, device.Device, device.ShareSize)
	}
	return released
}

// RestoreAt puts an allocation back where ReleaseAt took it from.
func (s *NodeState) RestoreAt(i int, a Allocation) {
	s.holdDevices(a)
	s.allocations = slices.Insert(s.allocations, i, a)
}

// recountGPUs takes the sums anew from the allocations.
func (s *NodeState) recountGPUs() {
	clear(s.gpus)
	s.overlapping = false
	for _, a := range s.allocations {
		s.holdDevices(a)
	}
}

// HoldersOf lists the holders of any part of the given GPUs, each once, in the order in
// which they came.
func (s *NodeState) HoldersOf(gpus GPUSet) []HolderID {
	var holders []HolderID
	for i := range s.allocations {
		a := &s.allocations[i]
		if s.inventory.GPUsOf(a.Devices)&gpus != 0 && !slices.Contains(holders, a.Holder) {
			holders = append(holders, a.Holder)
		}
	}
	return holders
}

// GPUsOf is the set of GPUs that devices lie on.
func (inv *Inventory) GPUsOf(devices []DeviceAllocation) GPUSet {
	var gpus GPUSet
	for _, device := range devices {
		gpus |= 1 << inv.Devices[device.Device].GPU
	}
	return gpus
}
