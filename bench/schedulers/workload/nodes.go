package workload

import (
	"fmt"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// GPUs is how many a node of any kind has.
const GPUs = 8

// nodeKind is a kind of node.
type nodeKind struct {
	machine string
	// words say what the node publishes.
	words string
	// published tells the devices that are published of those that the machine has.
	published func(dra.Device) bool
}

// nodeKinds are the kinds of nodes by how many devices they publish. The larger leaves out the
// MIG placements with media engines, which are 7 of the 27 devices of a GPU.
var nodeKinds = map[int]nodeKind{
	160: {"dgx-h100", "8 H100, each whole, shared, or one of 18 MIG placements", func(device dra.Device) bool {
		return device.Profile == nil || !strings.Contains(device.Profile.Name, "+")
	}},
	16: {"8xL40S-2socket-node", "8 L40S, each whole or shared", func(dra.Device) bool { return true }},
}

// DescribeNodes says what a node of such a size has.
func (s Size) DescribeNodes() string { return nodeKinds[s.Devices].words }

// NodeName is the name of a node by its number.
func NodeName(number int) string { return fmt.Sprintf("node-%d", number) }

// NodeMaker makes the slices of the nodes of one size.
type NodeMaker struct {
	size    Size
	kind    nodeKind
	machine *topology.MachineType
}

// NewNodeMaker prepares the nodes of a size. The error says what the catalogue lacks.
func NewNodeMaker(size Size) (*NodeMaker, error) {
	kind, ok := nodeKinds[size.Devices]
	if !ok {
		return nil, fmt.Errorf("no kind of node has %d devices", size.Devices)
	}
	machine, err := catalogue.Default().Machine(kind.machine)
	if err != nil {
		return nil, err
	}
	return &NodeMaker{size: size, kind: kind, machine: machine}, nil
}

// MakeSlices are the ResourceSlices of a node by its number, as Ashlar's driver would publish
// them. The error says why the machine cannot be read, or that the number of its devices is
// not that of the size.
func (m *NodeMaker) MakeSlices(number int) ([]*resourceapi.ResourceSlice, error) {
	name := NodeName(number)
	inventory, err := simulated.Node{Name: name, Machine: m.machine}.Discover(catalogue.Default().MIG)
	if err != nil {
		return nil, err
	}
	offered := slices.DeleteFunc(inventory.ListDevices(discovery.DeviceOptions{AnyMode: true}),
		func(device dra.Device) bool { return !m.kind.published(device) })
	if len(offered) != m.size.Devices {
		return nil, fmt.Errorf("machine %s has %d devices to publish, want %d", m.kind.machine, len(offered), m.size.Devices)
	}
	return publish.ResourceSlices(name, publish.DriverResources(name, inventory, offered, nil)), nil
}
