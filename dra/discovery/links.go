package discovery

import (
	"encoding/binary"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
)

// nodeLinks is what comparing the GPUs of a node tells.
type nodeLinks struct {
	// table[i][j] is how GPU i reaches GPU j: square, Self on the diagonal.
	table [][]topology.Link
	// p2p[i] says whether the driver lets GPU i copy to some other GPU over PCIe.
	p2p []bool
	// laneGBps[i] is the rate of one of GPU i's active NVLinks, 0 without any.
	laneGBps []int64
}

// shareByProduct makes what is true of a model the same for all its GPUs: one
// that has no bridge, or no other GPU nearby, cannot show it.
func (l *nodeLinks) shareByProduct(facts []*gpuFacts) {
	laneGBps, p2p := map[string]int64{}, map[string]bool{}
	for gpu, fact := range facts {
		product := fact.model.Product
		laneGBps[product] = max(laneGBps[product], l.laneGBps[gpu])
		p2p[product] = p2p[product] || l.p2p[gpu]
	}
	for gpu, fact := range facts {
		l.laneGBps[gpu], l.p2p[gpu] = laneGBps[fact.model.Product], p2p[fact.model.Product]
	}
}

// linkAttachment is where the active NVLinks of one GPU lead.
type linkAttachment struct {
	direct   map[int]int64 // to another GPU of the node, by index
	switched int64         // to NVSwitches
	laneGBps int64
}

// readLinks builds the link table. Two GPUs are joined by the NVLinks that lead
// from one to the other or, on a machine with NVSwitch, by as many as the one
// with fewer has to the switches: there NVML names the switch as the remote end
// of every link, so that counting links between GPUs would find none. Where
// there is no NVLink, the closest common PCIe ancestor decides.
//
// An error comes with the GPU, by its place in gpus, that did not answer.
//
// Complexity: O(GPUs x links + GPUs^2) calls.
func readLinks(gpus []*gpuFacts) (result nodeLinks, failed int, err error) {
	result = nodeLinks{p2p: make([]bool, len(gpus)), laneGBps: make([]int64, len(gpus))}
	index := make(map[string]int, len(gpus))
	for gpu, fact := range gpus {
		if fact.busID != "" {
			index[fact.busID] = gpu
		}
	}
	attached := make([]linkAttachment, len(gpus))
	for gpu, fact := range gpus {
		if attached[gpu], err = readAttachment(fact.device, int(fact.index), index); err != nil {
			return nodeLinks{}, gpu, err
		}
		result.laneGBps[gpu] = attached[gpu].laneGBps
	}
	for i := range gpus {
		row := make([]topology.Link, len(gpus))
		for j := range gpus {
			if i == j {
				row[j] = topology.Link{Kind: topology.Self}
				continue
			}
			link, p2p, err := readPair(gpus, attached, i, j)
			if err != nil {
				return nodeLinks{}, i, err
			}
			row[j] = link
			result.p2p[i] = result.p2p[i] || p2p
		}
		result.table = append(result.table, row)
	}
	return result, -1, nil
}

// readPair tells how GPU i reaches GPU j, and whether it may copy over PCIe.
func readPair(gpus []*gpuFacts, attached []linkAttachment, i, j int) (topology.Link, bool, error) {
	from, to := gpus[i].device, gpus[j].device
	lanes := attached[i].direct[j]
	if switched := min(attached[i].switched, attached[j].switched); lanes == 0 && switched > 0 &&
		mayUseNVLink(from, to) {
		lanes = switched
	}
	if lanes > 0 {
		// READ would answer for the NVLinks; PCI asks about PCIe alone.
		return topology.Link{Kind: topology.NVLink, Lanes: lanes},
			peerStatus(from, to, nvml.P2P_CAPS_INDEX_PCI) == nvml.P2P_STATUS_OK, nil
	}
	level, ret := from.GetTopologyCommonAncestor(to)
	if ret != nvml.SUCCESS {
		return topology.Link{}, false, fmt.Errorf("GPUs %d and %d: GetTopologyCommonAncestor: %w", gpus[i].index, gpus[j].index, ret)
	}
	kind, known := ancestors[level]
	if !known {
		return topology.Link{}, false, fmt.Errorf("GPUs %d and %d: GetTopologyCommonAncestor: unknown level %d",
			gpus[i].index, gpus[j].index, level)
	}
	return topology.Link{Kind: kind}, peerStatus(from, to, nvml.P2P_CAPS_INDEX_READ) == nvml.P2P_STATUS_OK, nil
}

// ancestors are NVML's levels in the words of `nvidia-smi topo -m`. INTERNAL is
// two GPUs on one board, which share that board's PCIe switch.
var ancestors = map[nvml.GpuTopologyLevel]topology.LinkKind{
	nvml.TOPOLOGY_INTERNAL:   topology.PIX,
	nvml.TOPOLOGY_SINGLE:     topology.PIX,
	nvml.TOPOLOGY_MULTIPLE:   topology.PXB,
	nvml.TOPOLOGY_HOSTBRIDGE: topology.PHB,
	nvml.TOPOLOGY_NODE:       topology.NODE,
	nvml.TOPOLOGY_SYSTEM:     topology.SYS,
}

// peerStatus asks for one peer-to-peer capability. A driver that cannot tell counts as
// one that does not know.
func peerStatus(from gpuReader, to nvml.Device, capability nvml.GpuP2PCapsIndex) nvml.GpuP2PStatus {
	status, ret := from.GetP2PStatus(to, capability)
	if ret != nvml.SUCCESS {
		return nvml.P2P_STATUS_UNKNOWN
	}
	return status
}

// mayUseNVLink reports whether two GPUs on NVSwitches reach each other: they do
// not if the switches belong to different islands, or to different partitions
// of one fabric. A driver that does not know is taken to permit it.
func mayUseNVLink(from gpuReader, to nvml.Device) bool {
	status := peerStatus(from, to, nvml.P2P_CAPS_INDEX_NVLINK)
	return status == nvml.P2P_STATUS_OK || status == nvml.P2P_STATUS_UNKNOWN
}

// readAttachment follows each active NVLink of one GPU to its other end. Links
// to a GPU that this node does not see (index lacks it) are not counted.
func readAttachment(device gpuReader, gpu int, index map[string]int) (linkAttachment, error) {
	result := linkAttachment{direct: map[int]int64{}}
	for link := range nvml.NVLINK_MAX_LINKS {
		state, ret := device.GetNvLinkState(link)
		if isAbsent(ret) || ret == nvml.SUCCESS && state != nvml.FEATURE_ENABLED {
			continue
		}
		if ret != nvml.SUCCESS {
			return result, callFailed(gpu, fmt.Sprintf("GetNvLinkState(%d)", link), ret)
		}
		kind, ret := device.GetNvLinkRemoteDeviceType(link)
		if ret != nvml.SUCCESS {
			return result, callFailed(gpu, fmt.Sprintf("GetNvLinkRemoteDeviceType(%d)", link), ret)
		}
		switch kind {
		case nvml.NVLINK_DEVICE_TYPE_SWITCH:
			result.switched++
		case nvml.NVLINK_DEVICE_TYPE_GPU:
			pci, ret := device.GetNvLinkRemotePciInfo(link)
			if ret != nvml.SUCCESS {
				return result, callFailed(gpu, fmt.Sprintf("GetNvLinkRemotePciInfo(%d)", link), ret)
			}
			address, err := BusID(pci)
			if err != nil {
				return result, fmt.Errorf("GPU %d: GetNvLinkRemotePciInfo(%d): %w", gpu, link, err)
			}
			if remote, found := index[address]; found {
				result.direct[remote]++
			}
		default:
			continue
		}
		if result.laneGBps == 0 {
			result.laneGBps = readLaneGBps(device, link)
		}
	}
	return result, nil
}

// nominalGBps is what one NVLink carries per direction according to NVIDIA's
// data sheets, by NVML's version number: 20 GB/s for the P100, 25 for V100, A100
// and H100, 50 for the B200.
var nominalGBps = map[uint32]int64{
	uint32(nvml.NVLINK_VERSION_1_0): 20,
	uint32(nvml.NVLINK_VERSION_2_0): 25,
	uint32(nvml.NVLINK_VERSION_2_2): 25,
	uint32(nvml.NVLINK_VERSION_3_0): 25,
	uint32(nvml.NVLINK_VERSION_3_1): 25,
	uint32(nvml.NVLINK_VERSION_4_0): 25,
	uint32(nvml.NVLINK_VERSION_5_0): 50,
}

// readLaneGBps is the rate of one NVLink, in GB/s per direction: the lower of
// the nominal rate and of the line rate that the driver reports. The line rate
// alone is too high (H100: 26.562, of which coding takes 1/17), the nominal rate
// alone too high for the bridges of A40 and RTX A6000, which run at 14.0625. It
// is 0 if the driver tells neither.
func readLaneGBps(device gpuReader, link int) int64 {
	var nominal int64
	if version, ret := device.GetNvLinkVersion(link); ret == nvml.SUCCESS {
		nominal = nominalGBps[version]
	}
	fields := []nvml.FieldValue{
		{FieldId: nvml.FI_DEV_NVLINK_SPEED_MBPS_COMMON},
		{FieldId: nvml.FI_DEV_NVLINK_GET_SPEED, ScopeId: uint32(link)},
	}
	if device.GetFieldValues(fields) != nvml.SUCCESS {
		return nominal
	}
	for _, field := range fields {
		mbps := int64(binary.NativeEndian.Uint32(field.Value[:4]))
		if nvml.Return(field.NvmlReturn) != nvml.SUCCESS || mbps == 0 {
			continue
		}
		line := (mbps + 500) / 1000
		if nominal == 0 {
			return line
		}
		return min(nominal, line)
	}
	return nominal
}
