package resourceslices

import (
	"fmt"

	"github.com/blang/semver/v4"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// readGPU reads the GPU that the device is, or is a part of. The memory is the device's.
func (d Device) readGPU() (topology.GPU, error) {
	model := &topology.Model{
		Name:         d.textAttribute(deviceapi.ProductName),
		Product:      d.textAttribute(deviceapi.ProductName),
		Architecture: d.textAttribute(deviceapi.Architecture),
		Memory:       topology.Bytes(d.capacityAmount(deviceapi.Memory)),
	}
	if model.Memory < 0 {
		return topology.GPU{}, fmt.Errorf("device %s: negative memory", d.Name)
	}
	model.Compute = d.computeCapability()
	model.LaneGBps, _ = d.intAttribute(deviceapi.NVLinkLaneBandwidth)
	// Who says nothing of peer-to-peer is taken to have it, as data centre GPUs do.
	p2p, said := d.FindAttribute(deviceapi.P2P)
	model.P2P = !said || p2p.BoolValue == nil || *p2p.BoolValue
	gpu := topology.GPU{
		Model:    model,
		NUMA:     topology.NoNUMA,
		PCIeRoot: d.textAttribute(deviceapi.PCIeRoot),
		BusID:    normalBusID(d.textAttribute(deviceapi.PCIBusID)),
		Clique:   d.textAttribute(deviceapi.NVLinkClique),
	}
	if numa, found := d.intAttribute(deviceapi.NUMANode); found {
		gpu.NUMA = numa
	}
	return gpu, nil
}

// readSplitGPU reads a GPU that is published through its MIG devices alone, as NVIDIA's
// driver publishes one in MIG mode (GetPerGpuAllocatableDevices in its nvlib.go). Its
// memory is what the catalogue says of the product, or else the largest instance's.
func readSplitGPU(parts []Device) (topology.GPU, error) {
	largest := parts[0]
	for _, part := range parts[1:] {
		if part.capacityAmount(deviceapi.Memory) > largest.capacityAmount(deviceapi.Memory) {
			largest = part
		}
	}
	gpu, err := largest.readGPU()
	if err != nil {
		return gpu, err
	}
	if known, found := catalogue.Default().ModelByProduct(gpu.Model.Product); found {
		gpu.Model.Memory = max(gpu.Model.Memory, known.Memory)
	}
	return gpu, nil
}

// computeCapability is the CUDA compute capability, zero if it is not published.
func (d Device) computeCapability() topology.ComputeCapability {
	value, found := d.FindAttribute(deviceapi.ComputeCapability)
	if !found || value.VersionValue == nil {
		return topology.ComputeCapability{}
	}
	version, err := semver.Parse(*value.VersionValue)
	if err != nil || version.Major > 1000 || version.Minor > 1000 {
		return topology.ComputeCapability{}
	}
	return topology.ComputeCapability{Major: int64(version.Major), Minor: int64(version.Minor)}
}
