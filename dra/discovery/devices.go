package discovery

import (
	"slices"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// DeviceOptions say what of a node's GPUs is handed out.
type DeviceOptions struct {
	// Reserved are GPUs that others hand out, by UUID.
	Reserved map[string]bool
	// Foreign are where MIG instances are that the driver did not create, by UUID. They
	// are left alone: nothing that overlaps them is handed out.
	Foreign map[string][]mig.Placement
	// AnyMode offers MIG instances and whole GPUs alike, also on GPUs that change MIG mode
	// by a reset only: for simulated nodes, on which nobody prepares anything.
	AnyMode bool
}

// ListDevices are the node's devices by GPU index and, within a GPU, the whole GPU, the
// share, then MIG placements from small to large profiles and from high to low starts. An
// allocator that takes the first that fits thus leaves room for large profiles
// longer: on an empty 7-slice GPU, 1g at slice 6 leaves 12 full layouts within
// reach and at any other slice 6; 3g at 4 leaves 6, at 0 only 3.
//
// A GPU that changes MIG mode by a reset only is offered in the forms of its present mode.
func (n *Node) ListDevices(options DeviceOptions) []dra.Device {
	var devices []dra.Device
	for i := range n.GPUs {
		gpu, model := &n.GPUs[i], n.Topology.GPUs[i].Model
		if options.Reserved[gpu.UUID] {
			continue
		}
		foreign := options.Foreign[gpu.UUID]
		anyMode := options.AnyMode || gpu.SwitchesFreely(model)
		if len(foreign) == 0 && (anyMode || !gpu.MIGMode) {
			memory := usableMemory(model)
			devices = append(devices,
				dra.Device{Form: dra.FormGPU, GPU: gpu.GPUIdentity, Memory: memory},
				dra.Device{Form: dra.FormShare, GPU: gpu.GPUIdentity, Memory: memory})
		}
		if gpu.Table != nil && (anyMode || gpu.MIGMode) {
			devices = append(devices, gpu.listSlices(foreign)...)
		}
	}
	return devices
}

// listSlices are the MIG instances that can be beside those that exist.
func (g *GPU) listSlices(foreign []mig.Placement) []dra.Device {
	var devices []dra.Device
	for i := range g.Table.Profiles {
		profile := &g.Table.Profiles[i]
		for _, placement := range slices.Backward(profile.Placements) {
			if !slices.ContainsFunc(foreign, placement.Overlaps) {
				devices = append(devices,
					dra.Device{Form: dra.FormMIG, GPU: g.GPUIdentity, Profile: profile, Placement: placement, Memory: profile.Memory})
			}
		}
	}
	return devices
}

// usableMemory is what processes can allocate on a GPU, rounded down to MiB, the
// step in which it is shared.
func usableMemory(model *topology.Model) topology.Bytes {
	return model.Usable() / topology.MiB * topology.MiB
}

// Restrict is the node with those of its GPUs only that devices are of: nobody else can see
// the others.
func (n *Node) Restrict(devices []dra.Device) *Node {
	var kept []int
	for i := range n.GPUs {
		if slices.ContainsFunc(devices, func(d dra.Device) bool { return d.GPU.UUID == n.GPUs[i].UUID }) {
			kept = append(kept, i)
		}
	}
	if len(kept) == len(n.GPUs) {
		return n
	}
	restricted := *n
	restricted.GPUs, restricted.Topology = nil, &topology.Node{}
	for _, i := range kept {
		restricted.GPUs = append(restricted.GPUs, n.GPUs[i])
		restricted.Topology.GPUs = append(restricted.Topology.GPUs, n.Topology.GPUs[i])
		row := make([]topology.Link, 0, len(kept))
		for _, j := range kept {
			row = append(row, n.Topology.Links[i][j])
		}
		restricted.Topology.Links = append(restricted.Topology.Links, row)
	}
	for _, nic := range n.Topology.NICs {
		links := make([]topology.Link, 0, len(kept))
		for _, i := range kept {
			links = append(links, nic.Links[i])
		}
		nic.Links = links
		restricted.Topology.NICs = append(restricted.Topology.NICs, nic)
	}
	return &restricted
}
