package publish

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
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

// deviceDescriber describes the devices of one node.
type deviceDescriber struct {
	node *discovery.Node
	// places[uuid] is the GPU's place in node.GPUs.
	places map[string]int
	// islands[i] is GPU i's island, see topology.Node.Islands.
	islands []int64
}

func newDescriber(node *discovery.Node) *deviceDescriber {
	d := &deviceDescriber{node: node, places: map[string]int{}, islands: node.Topology.Islands()}
	for i := range node.GPUs {
		d.places[node.GPUs[i].UUID] = i
	}
	return d
}

// describeDevice is a device as it is published.
func (d *deviceDescriber) describeDevice(device dra.Device) resourceapi.Device {
	at := d.places[device.GPU.UUID]
	gpu := &d.node.GPUs[at]
	published := resourceapi.Device{Name: device.Name(), Capacity: deviceCapacities{}}
	switch device.Form {
	case dra.FormMIG:
		published.Attributes, published.Capacity = d.sliceAttributes(at, device), sliceCapacity(device.Profile)
		published.ConsumesCounters = consumePlacement(gpu, device.Profile, device.Placement)
	case dra.FormShare:
		a := d.connectedAttributes(at, deviceapi.TypeShare)
		a.setText(deviceapi.ParentUUID, gpu.UUID)
		published.Attributes, published.Capacity = a, shareCapacity(device.Memory)
		published.ConsumesCounters, published.AllowMultipleAllocations = consumeAll(gpu), ptr.To(true)
	default:
		a, c := d.connectedAttributes(at, deviceapi.TypeGPU), deviceCapacities{}
		a.setText(deviceapi.UUID, gpu.UUID)
		c.setBytes(deviceapi.Memory, device.Memory)
		published.Attributes, published.Capacity = a, c
		published.ConsumesCounters = consumeAll(gpu)
	}
	return published
}

// commonAttributes are the attributes of every device of the GPU.
func (d *deviceDescriber) commonAttributes(at int, kind string) deviceAttributes {
	gpu, place := &d.node.GPUs[at], d.node.Topology.GPUs[at]
	a := deviceAttributes{}
	a.setText(deviceapi.Type, kind)
	a.setNumber(deviceapi.Index, gpu.Index)
	a.setText(deviceapi.ProductName, place.Model.Product)
	a.setText(deviceapi.Brand, place.Model.Brand)
	a.setText(deviceapi.Architecture, place.Model.Architecture)
	a.setVersion(deviceapi.ComputeCapability, place.Model.Compute.String())
	a.setVersion(deviceapi.DriverVersion, d.node.DriverVersion)
	a.setVersion(deviceapi.CUDADriverVersion, d.node.CUDAVersion)
	a.setText(deviceapi.PCIBusID, place.BusID)
	a.setText(deviceapi.PCIeRoot, place.PCIeRoot)
	if place.NUMA != topology.NoNUMA {
		a.setNumber(deviceapi.NUMANode, place.NUMA)
	}
	return a
}

// connectedAttributes are the attributes of a device that can reach other GPUs. A MIG
// instance has none of them: it has no peer-to-peer to anything.
func (d *deviceDescriber) connectedAttributes(at int, kind string) deviceAttributes {
	place, row := d.node.Topology.GPUs[at], d.node.Topology.Links[at]
	a := d.commonAttributes(at, kind)
	if island := d.islands[at]; island != topology.NoIsland {
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
	d.addNearestNIC(a, at)
	return a
}

// addNearestNIC adds which network adapter is nearest to a GPU.
func (d *deviceDescriber) addNearestNIC(a deviceAttributes, at int) {
	nic := d.node.GPUs[at].NIC
	if nic == nil {
		return
	}
	a.setText(deviceapi.NIC, nic.Name)
	a.setText(deviceapi.NICLink, d.node.GPUs[at].NICLink.String())
	a.setText(deviceapi.NICPCIBusID, nic.BusID)
	a.setText(deviceapi.NICPCIeRoot, nic.PCIeRoot)
	if nic.NUMA != topology.NoNUMA {
		a.setNumber(deviceapi.NICNUMANode, nic.NUMA)
	}
}

// shareCapacity is memory that several claims can divide. A claim that names no amount
// gets all of it. Memory is its only capacity, since every capacity of a device with
// several allocations is consumed.
func shareCapacity(memory topology.Bytes) deviceCapacities {
	return deviceCapacities{deviceapi.Memory: {
		Value: *byteQuantity(memory),
		RequestPolicy: &resourceapi.CapacityRequestPolicy{
			Default:    byteQuantity(memory),
			ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: byteQuantity(topology.ShareStep), Step: byteQuantity(topology.ShareStep)},
		},
	}}
}

// sliceAttributes are those of one MIG placement.
func (d *deviceDescriber) sliceAttributes(at int, device dra.Device) deviceAttributes {
	a := d.commonAttributes(at, deviceapi.TypeMIG)
	a.setText(deviceapi.ParentUUID, device.GPU.UUID)
	a.setText(deviceapi.Profile, device.Profile.Name)
	a.setNumber(deviceapi.ProfileID, int64(device.Profile.ID))
	a.setNumber(deviceapi.PlacementStart, device.Placement.Start)
	a.setNumber(deviceapi.PlacementSize, device.Placement.Size)
	return a
}

// sliceCapacity is what a MIG instance of a profile has.
func sliceCapacity(profile *mig.Profile) deviceCapacities {
	c := deviceCapacities{}
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
	return c
}
