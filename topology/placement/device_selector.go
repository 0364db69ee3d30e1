package placement

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// DeviceSelector describes acceptable devices by what they are, for callers that have no
// selectors of their own. The zero value accepts everything; each field that is set
// restricts it further.
type DeviceSelector struct {
	// Forms are the acceptable forms; none means any.
	Forms []Form
	// Memory is the least that one holder must be able to allocate: "any form that
	// has these bytes" is a Want of nothing else.
	Memory topology.Bytes
	// Profiles are the acceptable MIG profiles; they restrict MIG devices only.
	Profiles []mig.ProfileID
	// Models are the acceptable products, by catalogue name or product name.
	Models []string
	// Compute is the least compute capability.
	Compute topology.ComputeCapability
}

// AcceptedDevices returns the devices of a node that satisfy w.
func (w *DeviceSelector) AcceptedDevices(inv *Inventory) DeviceSet {
	return inv.SelectDevices(func(o *Device) bool {
		model := inv.Node.GPUs[o.GPU].Model
		return (len(w.Forms) == 0 || slices.Contains(w.Forms, o.Form)) &&
			o.Memory >= w.Memory &&
			(len(w.Profiles) == 0 || o.Form != MIG || slices.Contains(w.Profiles, o.Profile)) &&
			(len(w.Models) == 0 || slices.Contains(w.Models, model.Name) || slices.Contains(w.Models, model.Product)) &&
			!model.Compute.Less(w.Compute)
	})
}
