//go:build cgo

package whatif

import (
	"fmt"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// The driver's reading of a machine links NVIDIA's library for NVML, which is C.

// publishedSlices is what Ashlar's driver publishes of a machine that nobody uses.
func publishedSlices(c *catalogue.Catalogue, name string, machine *topology.MachineType) ([]*resourceapi.ResourceSlice, error) {
	node, err := simulated.Node{Name: name, Machine: machine}.Discover(c.MIG)
	if err != nil {
		return nil, err
	}
	devices := node.ListDevices(discovery.DeviceOptions{AnyMode: true})
	objects := publish.ResourceSlices(name, publish.DriverResources(name, node, devices, nil))
	for i, object := range objects {
		object.Name = fmt.Sprintf("%s%d", object.GenerateName, i)
	}
	return objects, nil
}
