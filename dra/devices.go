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

// deviceAttributes collects what a device says of itself. What is unknown is left out.
type deviceAttributes map[resourceapi.QualifiedName]resourceapi.DeviceAttribute

func (a deviceAttributes) setText(name, value string) {
	if value == "" {
		return
	}
	if len(value) > resourceapi.DeviceAttributeMaxValueLength {
		value = value[:resourceapi.DeviceAttributeMaxValueLength]
	}
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{StringValue: &value}
}

func (a deviceAttributes) setNumber(name string, value int64) {
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{IntValue: &value}
}

func (a deviceAttributes) setTruth(name string, value bool) {
	a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{BoolValue: &value}
}

func (a deviceAttributes) setVersion(name, value string) {
	if version, ok := semanticVersion(value); ok {
		a[resourceapi.QualifiedName(name)] = resourceapi.DeviceAttribute{VersionValue: &version}
	}
}

// deviceCapacities collects amounts.
type deviceCapacities map[resourceapi.QualifiedName]resourceapi.DeviceCapacity

func (c deviceCapacities) setBytes(name string, value topology.Bytes) {
	c[resourceapi.QualifiedName(name)] = resourceapi.DeviceCapacity{Value: *byteQuantity(value)}
}

func (c deviceCapacities) setCount(name string, value int64) {
	c[resourceapi.QualifiedName(name)] = resourceapi.DeviceCapacity{Value: *resource.NewQuantity(value, resource.DecimalSI)}
}

func byteQuantity(bytes topology.Bytes) *resource.Quantity {
	return resource.NewQuantity(int64(bytes), resource.BinarySI)
}

// usableMemory is what processes can allocate on a GPU, rounded down to MiB, the
// step in which it is shared.
func usableMemory(model *topology.Model) topology.Bytes {
	return model.Usable() / topology.MiB * topology.MiB
}

// deviceDescriber builds the devices of one GPU.
type deviceDescriber struct {
	inventory *Discovery
	gpu       int
	// islands[i] is GPU i's island, see topology.Node.Islands.
	islands []int64
}

// commonAttributes are the attributes of every device of the GPU.
func (d deviceDescriber) commonAttributes(kind string) deviceAttributes {
	gpu, place := d.inventory.GPUs[d.gpu], d.inventory.Node.GPUs[d.gpu]
	a := deviceAttributes{}
	a.setText(deviceapi.Type, kind)
	a.setNumber(deviceapi.Index, gpu.Index)
	a.setText(deviceapi.ProductName, place.Model.Product)
	a.setText(deviceapi.Brand, place.Model.Brand)
	a.setText(deviceapi.Architecture, place.Model.Architecture)
	a.setVersion(deviceapi.ComputeCapability, place.Model.Compute.String())
	a.setVersion(deviceapi.DriverVersion, d.inventory.DriverVersion)
	a.setVersion(deviceapi.CUDADriverVersion, d.inventory.CUDAVersion)
	a.setText(deviceapi.PCIBusID, place.BusID)
	a.setText(deviceapi.PCIeRoot, place.PCIeRoot)
	if place.NUMA != topology.NoNUMA {
		a.setNumber(deviceapi.NUMANode, place.NUMA)
	}
	return a
}

// connectedAttributes are the attributes of a device that can reach other GPUs. A MIG
// instance has none of them: it has no peer-to-peer to anything.
func (d deviceDescriber) connectedAttributes(kind string) deviceAttributes {
	place, row := d.inventory.Node.GPUs[d.gpu], d.inventory.Node.Links[d.gpu]
	a := d.commonAttributes(kind)
	if island := d.islands[d.gpu]; island != topology.NoIsland {
		a.setNumber(deviceapi.NVLinkIsland, island)
	}
	a.setText(deviceapi.NVLinkClique, place.Clique)
	for _, link := range row {
		if link.Kind == topology.NVLink && place.Model.LaneGBps > 0 {
			a.setNumber(deviceapi.NVLinkLaneBandwidth, place.Model.LaneGBps)
			break
		}
	}
	if links, fits := deviceapi.EncodeLinks(row); fits {
		a.setText(deviceapi.Links, links)
	}
	if len(row) > 1 { // with one GPU, nobody can be asked
		a.setTruth(deviceapi.P2P, place.Model.P2P)
	}
	return a
}

// wholeDevice is the device for the GPU as a whole.
func (d deviceDescriber) wholeDevice() resourceapi.Device {
	gpu := d.inventory.GPUs[d.gpu]
	a, c := d.connectedAttributes(deviceapi.TypeGPU), deviceCapacities{}
	a.setText(deviceapi.UUID, gpu.UUID)
	c.setBytes(deviceapi.Memory, usableMemory(d.inventory.Node.GPUs[d.gpu].Model))
	return resourceapi.Device{
		Name: deviceapi.GPUDevice(gpu.Index), Attributes: a, Capacity: c, ConsumesCounters: consumeAll(gpu),
	}
}

// shareDevice is the device whose memory several claims can divide. A claim that names
// no amount gets all of it. Memory is its only capacity, since every capacity of
// a device with several allocations is consumed.
func (d deviceDescriber) shareDevice() resourceapi.Device {
	gpu, memory := d.inventory.GPUs[d.gpu], usableMemory(d.inventory.Node.GPUs[d.gpu].Model)
	a := d.connectedAttributes(deviceapi.TypeShare)
	a.setText(deviceapi.ParentUUID, gpu.UUID)
	return resourceapi.Device{
		Name:       deviceapi.ShareDevice(gpu.Index),
		Attributes: a,
		Capacity: deviceCapacities{deviceapi.Memory: {
			Value: *byteQuantity(memory),
			RequestPolicy: &resourceapi.CapacityRequestPolicy{
				Default:    byteQuantity(memory),
				ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: byteQuantity(topology.ShareStep), Step: byteQuantity(topology.ShareStep)},
			},
		}},
		ConsumesCounters:         consumeAll(gpu),
		AllowMultipleAllocations: ptr.To(true),
	}
}

// migDevice is the device for one MIG placement.
func (d deviceDescriber) migDevice(profile *mig.Profile, placement mig.Placement) resourceapi.Device {
	gpu := d.inventory.GPUs[d.gpu]
	a, c := d.commonAttributes(deviceapi.TypeMIG), deviceCapacities{}
	a.setText(deviceapi.ParentUUID, gpu.UUID)
	a.setText(deviceapi.Profile, profile.Name)
	a.setNumber(deviceapi.ProfileID, int64(profile.ID))
	a.setNumber(deviceapi.PlacementStart, placement.Start)
	a.setNumber(deviceapi.PlacementSize, placement.Size)
	if profile.Memory > 0 {
		c.setBytes(deviceapi.Memory, profile.Memory)
	}
	if profile.SMs > 0 {
		c.setCount(deviceapi.Multiprocessors, profile.SMs)
	}
	if profile.CopyEngines > 0 {
		c.setCount(deviceapi.CopyEngines, profile.CopyEngines)
	}
	c.setCount(deviceapi.Decoders, profile.Media.Decoders)
	c.setCount(deviceapi.Encoders, profile.Media.Encoders)
	c.setCount(deviceapi.JPEGEngines, profile.Media.JPEG)
	c.setCount(deviceapi.OFAEngines, profile.Media.OFA)
	return resourceapi.Device{
		Name:       deviceapi.MIGDevice(gpu.Index, profile, placement.Start),
		Attributes: a, Capacity: c, ConsumesCounters: consumePlacement(gpu, profile, placement),
	}
}

// allDevices returns all devices of the GPU: the whole GPU, the share, then MIG
// placements from small to large profiles and from high to low starts. An
// allocator that takes the first that fits thus leaves room for large profiles
// longer: on an empty 7-slice GPU, 1g at slice 6 leaves 12 full layouts within
// reach and at any other slice 6; 3g at 4 leaves 6, at 0 only 3.
func (d deviceDescriber) allDevices() []resourceapi.Device {
	devices := []resourceapi.Device{d.wholeDevice(), d.shareDevice()}
	table := d.inventory.GPUs[d.gpu].MIG
	if table == nil {
		return devices
	}
	for i := range table.Profiles {
		for _, placement := range slices.Backward(table.Profiles[i].Placements) {
			devices = append(devices, d.migDevice(&table.Profiles[i], placement))
		}
	}
	return devices
}
