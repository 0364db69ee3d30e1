package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// limitingCapability is the compute capability from which on MPS limits the memory of its
// clients: Volta's. Source: NVIDIA, Multi-Process Service, "Volta MPS".
var limitingCapability = topology.ComputeCapability{Major: 7}

// gpuSharing is how a GPU of the model is handed out. The error says why it cannot be
// handed out so.
func (r replicaSharing) gpuSharing(gpu *topology.Model, c *catalogue.Catalogue) (simulator.GPUSharing, error) {
	s := simulator.GPUSharing{Parts: 1, Replicas: r.replicas, Memory: gpu.Usable(), MPS: r.mps}
	// What a client may take is a part of what NVML reports, of which the driver keeps some.
	total := gpu.Memory
	if r.profile != "" {
		table, profile, err := findProfile(gpu, r.profile, c)
		if err != nil {
			return s, err
		}
		s.Parts, s.Memory, total = int(profile.Max), profile.Memory, profile.Memory
		if most := maxClients * int(profile.ComputeSlices) / int(table.ComputeSlices); r.mps && r.replicas > most {
			// Source: NVIDIA, MIG User Guide: the 48 clients are lowered in proportion to the
			// compute instance.
			const many = "%d clients on a slice of %d of the %d compute slices of %s: MPS serves %d there at most"
			return s, fmt.Errorf(many, r.replicas, profile.ComputeSlices, table.ComputeSlices, gpu.Name, most)
		}
	}
	if !r.mps {
		return s, nil
	}
	switch {
	case gpu.Compute.Less(limitingCapability):
		return s, fmt.Errorf("%s has compute capability %s: MPS limits the memory of its clients from %s on (Volta)",
			gpu.Name, gpu.Compute, limitingCapability)
	case total == 0:
		return s, fmt.Errorf("%s has no memory of its own of which clients of MPS could have a part", gpu.Name)
	}
	// Source: github.com/NVIDIA/k8s-device-plugin, cmd/mps-control-daemon/mps/daemon.go,
	// perDevicePinnedDeviceMemoryLimits.
	s.ClientLimit = total / topology.Bytes(r.replicas) / topology.MiB * topology.MiB
	return s, nil
}

// findProfile is a MIG profile of a GPU model, by name.
func findProfile(gpu *topology.Model, name string, c *catalogue.Catalogue) (*mig.Table, *mig.Profile, error) {
	if gpu.MIG == "" {
		return nil, nil, fmt.Errorf("%s has no MIG, or no capture shows its profiles: it cannot be cut into %s", gpu.Name, name)
	}
	table, err := c.MIG(gpu.MIG)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for i := range table.Profiles {
		profile := &table.Profiles[i]
		switch {
		case profile.Memory == 0 || profile.Max < 1: // no capture shows it
		case strings.EqualFold(profile.Name, name):
			return table, profile, nil
		default:
			names = append(names, profile.Name)
		}
	}
	return nil, nil, fmt.Errorf("%s has no MIG profile %s: want one of %s", gpu.Name, name, strings.Join(names, ", "))
}

// checkSharing checks a way to hand out GPUs against those that the nodes have.
func (b *inputBuilder) checkSharing(path string, sharing Sharing) error {
	terms := sharing.replicaTerms()
	if terms.replicas == 0 {
		return nil
	}
	var problems []error
	seen := map[*topology.Model]bool{}
	for i := range b.Nodes {
		node, err := b.Nodes[i].hardwareOf(path, b.catalogue)
		if err != nil || node == nil {
			continue // said elsewhere
		}
		for _, gpu := range node.GPUs {
			if seen[gpu.Model] {
				continue
			}
			seen[gpu.Model] = true
			if _, err := terms.gpuSharing(gpu.Model, b.catalogue); err != nil {
				problems = append(problems, fieldErrorf(path, "%q for nodes[%d]: %v", string(sharing), i, err))
			}
		}
	}
	return errors.Join(problems...)
}

// checkSharings checks how the scenario and its variants hand out GPUs.
func (b *inputBuilder) checkSharings() error {
	var problems []error
	known := false
	for i := range b.Variants {
		sharing := b.Variants[i].Sharing
		problems = append(problems, b.checkSharing(fmt.Sprintf("variants[%d].sharing", i), sharing))
		known = known || sharing == b.sharing
	}
	if !known { // a variant's sharing takes the place of the scenario's
		problems = append(problems, b.checkSharing("sharing", b.sharing))
	}
	return errors.Join(problems...)
}

// shareGPUs is how each GPU of a make is handed out, and the inventory whose shares are so
// many as there are replicas; nil and the same inventory where there are none.
func (b *inputBuilder) shareGPUs(inv *placement.Inventory, demand placement.Demand) ([]simulator.GPUSharing, *placement.Inventory, error) {
	terms := b.sharing.replicaTerms()
	if inv == nil || terms.replicas == 0 {
		return nil, inv, nil
	}
	sharing := make([]simulator.GPUSharing, len(inv.Node.GPUs))
	for i, gpu := range inv.Node.GPUs {
		var err error
		if sharing[i], err = terms.gpuSharing(gpu.Model, b.catalogue); err != nil {
			return nil, nil, err
		}
	}
	devices := slices.Clone(inv.Devices)
	for i := range devices {
		if device := &devices[i]; device.Form == placement.Share {
			sharing[device.GPU].ShareDevice(device)
		}
	}
	shared, err := placement.NewInventory(inv.Node, devices, demand)
	return sharing, shared, err
}

// replicaRequest is a request for count replicas on the GPUs that accept holds for, and on
// whose parts there is enough memory for one holder.
func (b *inputBuilder) replicaRequest(
	inv *placement.Inventory, count int, enough topology.Bytes, accept func(*topology.Model) bool,
) *placement.Request {
	terms := b.sharing.replicaTerms()
	slots := 1
	accepts := inv.SelectDevices(func(device *placement.Device) bool {
		gpu := inv.Node.GPUs[device.GPU].Model
		if device.Form != placement.Share || !accept(gpu) || terms.profile != "" && count > 1 {
			return false
		}
		sharing, err := terms.gpuSharing(gpu, b.catalogue)
		if err != nil {
			return false // checked before
		}
		slots = max(slots, sharing.SlotCount())
		return sharing.Memory >= enough
	})
	return simulator.ReplicaRequest(count, slots, accepts)
}
