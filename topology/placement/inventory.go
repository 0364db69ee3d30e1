package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Inventory is what a node can hand out, and what that is worth under an expected
// demand. It is immutable, and all nodes of one make share it.
type Inventory struct {
	Node    *topology.Node
	Devices []Device

	// ring, placeable and distance are indexed by GPUSet: see newRings, newPlaceableValue and
	// newDistances.
	ring, placeable, distance []int64
	// opens[i] is about the MIG placements of GPU i; nil without MIG.
	flexibility []*migFlexibility
	// divided is Demand.Divided.
	divided int64
	// memory[i] is GPU i's usable memory in MiB.
	memory []int64
	// numa[i] is a bit for the NUMA node of GPU i, 0 if unknown.
	numa []uint32
	// nic[i] is how GPU i reaches the nearest NIC; SYS if there is none.
	nic []topology.LinkKind
}

// maxSlices is the most memory slices that a GPU may have.
const maxSlices = 12

// NewInventory checks that every device is about a GPU of the node and prepares
// what Place looks up. The media engines of a GPU are those of its largest MIG
// profile, which holds all of them.
func NewInventory(node *topology.Node, devices []Device, demand Demand) (*Inventory, error) {
	if err := node.Validate(); err != nil {
		return nil, err
	}
	if err := demand.validateDemand(); err != nil {
		return nil, err
	}
	inv := &Inventory{Node: node, divided: demand.Divided, ring: newRings(node), numa: numaBits(node), nic: nearestNICs(node)}
	inv.placeable = newPlaceableValue(node, inv.ring, demand)
	inv.distance = inv.newDistances()
	inv.Devices = slices.Clone(devices)
	instances := make([][]*Device, len(node.GPUs))
	for i := range inv.Devices {
		device := &inv.Devices[i]
		if device.GPU < 0 || device.GPU >= len(node.GPUs) {
			return nil, fmt.Errorf("device %d is about GPU %d, the node has %d", i, device.GPU, len(node.GPUs))
		}
		if device.Memory < 0 {
			return nil, fmt.Errorf("device %d has negative memory", i)
		}
		if device.Form != MIG {
			continue
		}
		if p := device.Placement; p.Start < 0 || p.Size < 1 || p.Start > maxSlices || p.Size > maxSlices-p.Start {
			return nil, fmt.Errorf("device %d has placement %s, want memory slices within 0 to %d", i, p, maxSlices-1)
		}
		instances[device.GPU] = append(instances[device.GPU], device)
	}
	for i, gpu := range node.GPUs {
		inv.memory = append(inv.memory, int64(gpu.Model.Usable()/topology.MiB))
		onlyScarceMedia(instances[i])
		open, err := inv.flexibilityOf(instances, i, demand)
		if err != nil {
			return nil, fmt.Errorf("GPU %d: %w", i, err)
		}
		inv.flexibility = append(inv.flexibility, open)
	}
	return inv, nil
}

// onlyScarceMedia drops the media engines that never run out from the devices of one
// GPU, so that fewer combinations need to be told apart.
func onlyScarceMedia(devices []*Device) {
	var all mig.Media
	size := int64(0)
	for _, device := range devices {
		all = maxMedia(all, device.Media)
		size = max(size, device.Placement.Size)
	}
	var parts []mig.Media
	for _, device := range devices {
		if device.Placement.Size < size {
			parts = append(parts, device.Media)
		}
	}
	scarce := mig.Scarce(all, parts)
	for _, device := range devices {
		device.Media = device.Media.Only(scarce)
		device.slices, device.scarce = device.Placement.Slices(), device.Media != mig.Media{}
	}
}

// flexibilityOf shares one table between GPUs that device the same.
func (inv *Inventory) flexibilityOf(instances [][]*Device, gpu int, demand Demand) (*migFlexibility, error) {
	if len(instances[gpu]) == 0 {
		return nil, nil
	}
	for earlier := range gpu {
		if inv.memory[earlier] == inv.memory[gpu] && slices.EqualFunc(instances[earlier], instances[gpu], func(a, b *Device) bool {
			return a.Profile == b.Profile && a.Placement == b.Placement && a.Media == b.Media
		}) {
			return inv.flexibility[earlier], nil
		}
	}
	return newMIGFlexibility(instances[gpu], inv.memory[gpu], demand)
}

// NodeDevices lists everything that a node with the given MIG tables can hand out.
// tables[i] is the table of GPU i, nil for a GPU without MIG. Placements are listed
// from the highest start, so that a choice between equals leaves the low end open,
// where the large profiles start.
func NodeDevices(node *topology.Node, tables []*mig.Table) []Device {
	var devices []Device
	for i, gpu := range node.GPUs {
		devices = append(devices,
			Device{Form: Whole, GPU: i, Memory: gpu.Model.Usable()},
			Device{Form: Share, GPU: i, Memory: gpu.Model.Usable()})
		if tables[i] == nil {
			continue
		}
		// The table knows what the GPU has of each engine; the devices alone do not where
		// a capture lacks the largest profile's row.
		scarce := tables[i].ScarceMedia()
		for _, profile := range tables[i].Profiles {
			for _, placement := range slices.Backward(profile.Placements) {
				devices = append(devices, Device{
					Form: MIG, GPU: i, Memory: profile.Memory,
					Profile: profile.ID, Placement: placement, Media: profile.Media.Only(scarce),
				})
			}
		}
	}
	return devices
}

// SelectDevices returns the devices for which accept holds.
func (inv *Inventory) SelectDevices(accept func(*Device) bool) DeviceSet {
	set := NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		if accept(&inv.Devices[i]) {
			set.Add(i)
		}
	}
	return set
}

// RingBandwidth is what a job on exactly these GPUs gets, in GB/s per direction: the
// slowest link of its best ring; 0 for fewer than two GPUs.
func (inv *Inventory) RingBandwidth(gpus GPUSet) int64 { return inv.ring[gpus] }

// AllGPUs is the set of the node's GPUs.
func (inv *Inventory) AllGPUs() GPUSet { return 1<<len(inv.Node.GPUs) - 1 }

// numaBits numbers a node's NUMA nodes, of which there are at most as many as GPUs.
func numaBits(node *topology.Node) []uint32 {
	numbers := map[int64]int{}
	bits := make([]uint32, len(node.GPUs))
	for i, gpu := range node.GPUs {
		if gpu.NUMA == topology.NoNUMA {
			continue
		}
		if _, known := numbers[gpu.NUMA]; !known {
			numbers[gpu.NUMA] = len(numbers)
		}
		bits[i] = 1 << numbers[gpu.NUMA]
	}
	return bits
}

func nearestNICs(node *topology.Node) []topology.LinkKind {
	nearest := make([]topology.LinkKind, len(node.GPUs))
	for _, nic := range node.NICs {
		for i, link := range nic.Links {
			nearest[i] = max(nearest[i], link.Kind)
		}
	}
	return nearest
}
