package resourceslices

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// readDevice is the device as placement knows it, on the GPU at an index of the node.
// A whole GPU that several claims may be allocated, as NVIDIA's driver publishes it with
// --consumable-shares, is handed out in shares of its memory. So may a MIG device be: it is one
// placement all the same, and who else has it is the in-tree code's to say.
func (d Device) readDevice(gpu int) (placement.Device, error) {
	device := placement.Device{GPU: gpu, Memory: topology.Bytes(d.capacityAmount(deviceapi.Memory))}
	if device.Memory < 0 {
		return device, fmt.Errorf("device %s: negative memory", d.Name)
	}
	kind := d.textAttribute(deviceapi.Type)
	switch {
	case kind == deviceapi.TypeGPU && !d.isShareable():
		device.Form = placement.Whole
	case (kind == deviceapi.TypeShare || kind == deviceapi.TypeGPU) && d.isShareable():
		if device.Memory == 0 {
			return device, fmt.Errorf("device %s: it may be shared but publishes no memory to share", d.Name)
		}
		device.Form = placement.Share
	case kind == deviceapi.TypeMIG:
		device.Form = placement.MIG
		return d.readMIG(device)
	default:
		return device, fmt.Errorf("device %s: type %q is not understood", d.Name, kind)
	}
	return device, nil
}
