package simulated

import (
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
)

// activeLink reports whether an NVLink leads anywhere. NVML knows 18 links of every
// GPU, and calls those that a GPU lacks an invalid argument.
func (d *simulatedGPU) activeLink(link int) (linkEnd, nvml.Return) {
	if link < 0 || link >= nvml.NVLINK_MAX_LINKS {
		return linkEnd{}, nvml.ERROR_INVALID_ARGUMENT
	}
	if d.gpu.Model.LaneGBps == 0 || link >= len(d.links) {
		return linkEnd{}, nvml.ERROR_NOT_SUPPORTED
	}
	return d.links[link], nvml.SUCCESS
}

func (d *simulatedGPU) GetNvLinkState(link int) (nvml.EnableState, nvml.Return) {
	_, ret := d.activeLink(link)
	if ret == nvml.ERROR_NOT_SUPPORTED && d.gpu.Model.LaneGBps > 0 {
		return nvml.FEATURE_DISABLED, nvml.SUCCESS
	}
	if ret != nvml.SUCCESS {
		return nvml.FEATURE_DISABLED, ret
	}
	return nvml.FEATURE_ENABLED, nvml.SUCCESS
}

func (d *simulatedGPU) GetNvLinkRemoteDeviceType(link int) (nvml.IntNvLinkDeviceType, nvml.Return) {
	end, ret := d.activeLink(link)
	if ret != nvml.SUCCESS {
		return nvml.NVLINK_DEVICE_TYPE_UNKNOWN, ret
	}
	return end.kind, nvml.SUCCESS
}

func (d *simulatedGPU) GetNvLinkRemotePciInfo(link int) (nvml.PciInfo, nvml.Return) {
	end, ret := d.activeLink(link)
	if ret != nvml.SUCCESS {
		return nvml.PciInfo{}, ret
	}
	if end.kind == nvml.NVLINK_DEVICE_TYPE_SWITCH {
		const nvswitch = 0x22A310DE // the third generation's, of the DGX H100
		return pciInfo(switchAddress(end.gpu), nvswitch), nvml.SUCCESS
	}
	return pciInfo(gpuAddress(d.node, end.gpu), d.node.GPUs[end.gpu].Model.DeviceID), nvml.SUCCESS
}

// nvlinkVersions are NVML's version numbers of the NVLink of each architecture.
var nvlinkVersions = map[string]nvml.NvlinkVersion{
	"Pascal": nvml.NVLINK_VERSION_1_0, "Volta": nvml.NVLINK_VERSION_2_0, "Turing": nvml.NVLINK_VERSION_2_2,
	"Ampere": nvml.NVLINK_VERSION_3_0, "Hopper": nvml.NVLINK_VERSION_4_0, "Blackwell": nvml.NVLINK_VERSION_5_0,
}

func (d *simulatedGPU) GetNvLinkVersion(link int) (uint32, nvml.Return) {
	if _, ret := d.activeLink(link); ret != nvml.SUCCESS {
		return 0, ret
	}
	return uint32(nvlinkVersions[d.gpu.Model.Architecture]), nvml.SUCCESS
}

// lineMBps is what drivers report as a link's rate, in MB/s per direction. From
// NVLink 4 on it is the rate before coding, 17/16 of what the data sheet says.
func (d *simulatedGPU) lineMBps() uint32 {
	rate := d.gpu.Model.LaneGBps * 1000
	if nvlinkVersions[d.gpu.Model.Architecture] >= nvml.NVLINK_VERSION_4_0 {
		rate = rate * 17 / 16
	}
	return uint32(rate)
}

// otherIndex finds the index of another GPU of the same node. The handle may be one
// that a test has wrapped.
func (d *simulatedGPU) otherIndex(handle nvml.Device) (int, nvml.Return) {
	if handle == nil {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	index, ret := handle.GetIndex()
	if ret != nvml.SUCCESS || index < 0 || index >= len(d.node.GPUs) {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	if uuid, _ := handle.GetUUID(); uuid != deviceUUID(d.nodeName, index) {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	return index, nvml.SUCCESS
}

var levels = map[topology.LinkKind]nvml.GpuTopologyLevel{
	topology.PIX: nvml.TOPOLOGY_SINGLE, topology.PXB: nvml.TOPOLOGY_MULTIPLE, topology.PHB: nvml.TOPOLOGY_HOSTBRIDGE,
	topology.NODE: nvml.TOPOLOGY_NODE, topology.SYS: nvml.TOPOLOGY_SYSTEM, topology.Self: nvml.TOPOLOGY_INTERNAL,
}

// GetTopologyCommonAncestor knows PCIe alone. Under an NVLink, which hides it in
// the link table, it takes the NUMA nodes to decide.
func (d *simulatedGPU) GetTopologyCommonAncestor(handle nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) {
	other, ret := d.otherIndex(handle)
	if ret != nvml.SUCCESS {
		return nvml.TOPOLOGY_SYSTEM, ret
	}
	if level, pcie := levels[d.node.Links[d.index][other].Kind]; pcie {
		return level, nvml.SUCCESS
	}
	if d.node.GPUs[d.index].NUMA == d.node.GPUs[other].NUMA {
		return nvml.TOPOLOGY_NODE, nvml.SUCCESS
	}
	return nvml.TOPOLOGY_SYSTEM, nvml.SUCCESS
}

// GetP2PStatus permits PCIe copies between models that both have them, NVLink
// copies where there is one, and reads and writes over either.
func (d *simulatedGPU) GetP2PStatus(handle nvml.Device, capability nvml.GpuP2PCapsIndex) (nvml.GpuP2PStatus, nvml.Return) {
	other, ret := d.otherIndex(handle)
	if ret != nvml.SUCCESS {
		return nvml.P2P_STATUS_UNKNOWN, ret
	}
	nvlink := d.node.Links[d.index][other].Kind == topology.NVLink
	pcie := d.gpu.Model.P2P && d.node.GPUs[other].Model.P2P
	var permitted bool
	switch capability {
	case nvml.P2P_CAPS_INDEX_READ, nvml.P2P_CAPS_INDEX_WRITE:
		permitted = nvlink || pcie
	case nvml.P2P_CAPS_INDEX_NVLINK, nvml.P2P_CAPS_INDEX_ATOMICS:
		permitted = nvlink
	case nvml.P2P_CAPS_INDEX_PCI:
		permitted = pcie
	default:
		return nvml.P2P_STATUS_UNKNOWN, nvml.ERROR_INVALID_ARGUMENT
	}
	if permitted {
		return nvml.P2P_STATUS_OK, nvml.SUCCESS
	}
	return nvml.P2P_STATUS_NOT_SUPPORTED, nvml.SUCCESS
}
