package dra

import (
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// attributes collects what a device says of itself. What is unknown is left out.
type attributes map[resourceapi.QualifiedName]resourceapi.DeviceAttribute

func (a attributes) text(name, value string) {
	if value == "" {
		return
	}
	if len(value) > resourceapi.DeviceAttributeMaxValueLength {
		value = value[:resourceapi.DeviceAttributeMaxValueLength]
	}
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{StringValue: &value}
}

func (a attributes) number(name string, value int64) {
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{IntValue: &value}
}

func (a attributes) truth(name string, value bool) {
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{BoolValue: &value}
}

func (a attributes) version(name, value string) {
	if version, ok := semanticVersion(value); ok {
		a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{VersionValue: &version}
	}
}

// capacities collects amounts.
type capacities map[resourceapi.QualifiedName]resourceapi.DeviceCapacity

func (c capacities) bytes(name string, value topology.Bytes) {
	c[resourceapi.QualifiedName(name)] = resourceapi.DeviceCapacity{Value: *quantity(value)}
}

func (c capacities) count(name string, value int64) {
	c[resourceapi.QualifiedName(name)] = resourceapi.DeviceCapacity{Value: *resource.NewQuantity(value, resource.DecimalSI)}
}

func quantity(bytes topology.Bytes) *resource.Quantity {
	return resource.NewQuantity(int64(bytes), resource.BinarySI)
}

// usableMemory is what processes can allocate on a GPU, rounded down to MiB, the
// step in which it is shared.
func usableMemory(model *topology.Model) topology.Bytes {
	return model.Usable() / topology.MiB * topology.MiB
}

// describer builds the devices of one GPU.
type describer struct {
	inventory *Inventory
	gpu       int
	// islands[i] is GPU i's island, see topology.Node.Islands.
	islands []int64
}

// common are the attributes of every device of the GPU.
func (d describer) common(kind string) attributes {
	gpu, place := d.inventory.GPUs[d.gpu], d.inventory.Node.GPUs[d.gpu]
	a := attributes{}
	a.text(deviceapi.Type, kind)
	a.number(deviceapi.Index, gpu.Index)
	a.text(deviceapi.ProductName, place.Model.Product)
	a.text(deviceapi.Brand, place.Model.Brand)
	a.text(deviceapi.Architecture, place.Model.Architecture)
	a.version(deviceapi.ComputeCapability, place.Model.Compute.String())
	a.version(deviceapi.DriverVersion, d.inventory.DriverVersion)
	a.version(deviceapi.CUDADriverVersion, d.inventory.CUDAVersion)
	a.text(deviceapi.PCIBusID, place.BusID)
	a.text(deviceapi.PCIeRoot, place.PCIeRoot)
	if place.NUMA != topology.NoNUMA {
		a.number(deviceapi.NUMANode, place.NUMA)
	}
	return a
}

// connected are the attributes of a device that can reach other GPUs. A MIG
// instance has none of them: it has no peer-to-peer to anything.
func (d describer) connected(kind string) attributes {
	place, row := d.inventory.Node.GPUs[d.gpu], d.inventory.Node.Links[d.gpu]
	a := d.common(kind)
	if island := d.islands[d.gpu]; island != topology.NoIsland {
		a.number(deviceapi.NVLinkIsland, island)
	}
	a.text(deviceapi.NVLinkClique, place.Clique)
	for _, link := range row {
		if link.Kind == topology.NVLink && place.Model.LaneGBps > 0 {
			a.number(deviceapi.NVLinkLaneBandwidth, place.Model.LaneGBps)
			break
		}
	}
	if links, fits := deviceapi.EncodeLinks(row); fits {
		a.text(deviceapi.Links, links)
	}
	if len(row) > 1 { // with one GPU, nobody can be asked
		a.truth(deviceapi.P2P, place.Model.P2P)
	}
	return a
}

// whole is the device for the GPU as a whole.
func (d describer) whole() resourceapi.Device {
	gpu := d.inventory.GPUs[d.gpu]
	a, c := d.connected(deviceapi.TypeGPU), capacities{}
	a.text(deviceapi.UUID, gpu.UUID)
	c.bytes(deviceapi.Memory, usableMemory(d.inventory.Node.GPUs[d.gpu].Model))
	return resourceapi.Device{
		Name: deviceapi.GPUDevice(gpu.Index), Attributes: a, Capacity: c, ConsumesCounters: consumeAll(gpu),
	}
}

// share is the device whose memory several claims can divide. A claim that names
// no amount gets all of it. Memory is its only capacity, since every capacity of
// a device with several allocations is consumed.
func (d describer) share() resourceapi.Device {
	gpu, memory := d.inventory.GPUs[d.gpu], usableMemory(d.inventory.Node.GPUs[d.gpu].Model)
	a := d.connected(deviceapi.TypeShare)
	a.text(deviceapi.ParentUUID, gpu.UUID)
	return resourceapi.Device{
		Name:       deviceapi.ShareDevice(gpu.Index),
		Attributes: a,
		Capacity: capacities{deviceapi.Memory: {
			Value: *quantity(memory),
			RequestPolicy: &resourceapi.CapacityRequestPolicy{
				Default:    quantity(memory),
				ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: quantity(topology.MiB), Step: quantity(topology.MiB)},
			},
		}},
		ConsumesCounters:         consumeAll(gpu),
		AllowMultipleAllocations: ptr.To(true),
	}
}

// instance is the device for one MIG placement.
func (d describer) instance(profile *mig.Profile, placement mig.Placement) resourceapi.Device {
	gpu := d.inventory.GPUs[d.gpu]
	a, c := d.common(deviceapi.TypeMIG), capacities{}
	a.text(deviceapi.ParentUUID, gpu.UUID)
	a.text(deviceapi.Profile, profile.Name)
	a.number(deviceapi.ProfileID, int64(profile.ID))
	a.number(deviceapi.PlacementStart, placement.Start)
	a.number(deviceapi.PlacementSize, placement.Size)
	if profile.Memory > 0 {
		c.bytes(deviceapi.Memory, profile.Memory)
	}
	if profile.SMs > 0 {
		c.count(deviceapi.Multiprocessors, profile.SMs)
	}
	if profile.CopyEngines > 0 {
		c.count(deviceapi.CopyEngines, profile.CopyEngines)
	}
	c.count(deviceapi.Decoders, profile.Media.Decoders)
	c.count(deviceapi.Encoders, profile.Media.Encoders)
	c.count(deviceapi.JPEGEngines, profile.Media.JPEG)
	c.count(deviceapi.OFAEngines, profile.Media.OFA)
	return resourceapi.Device{
		Name:       deviceapi.MIGDevice(gpu.Index, profile, placement.Start),
		Attributes: a, Capacity: c, ConsumesCounters: consumePlacement(gpu, profile, placement),
	}
}

// devices returns all devices of the GPU: the whole GPU, the share, then MIG
// placements from small to large profiles and from high to low starts. An
// allocator that takes the first that fits thus leaves room for large profiles
// longer: on an empty 7-slice GPU, 1g at slice 6 leaves 12 full layouts within
// reach and at any other slice 6; 3g at 4 leaves 6, at 0 only 3.
func (d describer) devices() []resourceapi.Device {
	devices := []resourceapi.Device{d.whole(), d.share()}
	table := d.inventory.GPUs[d.gpu].MIG
	if table == nil {
		return devices
	}
	for i := range table.Profiles {
		for _, placement := range slices.Backward(table.Profiles[i].Placements) {
			devices = append(devices, d.instance(&table.Profiles[i], placement))
		}
	}
	return devices
}
