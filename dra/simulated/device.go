package simulated

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// simulatedGPU is one simulated GPU.
type simulatedGPU struct {
	nvml.Device // answers ERROR_NOT_SUPPORTED to whatever is not below
	node        *topology.Node
	gpu         topology.GPU
	nodeName    string
	index       int
	uuid        string
	busID       string // in sysfs' notation
	links       []linkEnd
	fabric      nvml.GpuFabricInfo
	table       *mig.Table // nil without MIG
	store       stateStore
}

func newDevice(nodeName string, node *topology.Node, index int, links []linkEnd, tables Tables) (*simulatedGPU, error) {
	gpu := node.GPUs[index]
	d := &simulatedGPU{
		Device: unsupportedDevice(), node: node, gpu: gpu, nodeName: nodeName, index: index,
		uuid: deviceUUID(nodeName, index), busID: gpuAddress(node, index), links: links,
	}
	var err error
	if d.fabric, err = fabricInfo(gpu.Clique); err != nil {
		return nil, err
	}
	if gpu.Clique == "" && len(links) > 0 && links[0].kind == nvml.NVLINK_DEVICE_TYPE_SWITCH &&
		nvlinkVersions[gpu.Model.Architecture] >= nvml.NVLINK_VERSION_4_0 {
		// From Hopper on, GPUs on NVSwitches register with the fabric even if it
		// ends at the machine; the cluster's UUID is then zero.
		d.fabric.State = nvml.GPU_FABRIC_STATE_COMPLETED
	}
	if gpu.Model.MIG == "" {
		return d, nil
	}
	if d.table, err = tables(gpu.Model.MIG); err != nil {
		return nil, fmt.Errorf("finding the MIG table of %s: %w", gpu.Model.Name, err)
	}
	return d, nil
}

// deviceUUID makes a UUID of the form that NVML prints. It depends on the node's
// name and the index alone, so that a node keeps its GPUs when it comes back.
func deviceUUID(nodeName string, index int) string {
	sum := sha256.Sum256([]byte(nodeName + "/" + strconv.Itoa(index)))
	sum[6] = sum[6]&0x0f | 0x80 // version 8: vendor specific, RFC 9562
	sum[8] = sum[8]&0x3f | 0x80 // variant
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// What identifies the GPU is known without asking it, even if it is lost.

func (d *simulatedGPU) GetUUID() (string, nvml.Return)     { return d.uuid, nvml.SUCCESS }
func (d *simulatedGPU) GetIndex() (int, nvml.Return)       { return d.index, nvml.SUCCESS }
func (d *simulatedGPU) GetMinorNumber() (int, nvml.Return) { return d.index, nvml.SUCCESS }

func (d *simulatedGPU) GetName() (string, nvml.Return) {
	_, ret := d.beginCall(CallRead)
	return d.gpu.Model.Product, ret
}

func (d *simulatedGPU) GetBrand() (nvml.BrandType, nvml.Return) {
	for brand := range nvml.BrandType(nvml.BRAND_COUNT) {
		if discovery.BrandName(brand) == d.gpu.Model.Brand {
			return brand, nvml.SUCCESS
		}
	}
	return nvml.BRAND_UNKNOWN, nvml.SUCCESS
}

func (d *simulatedGPU) GetArchitecture() (nvml.DeviceArchitecture, nvml.Return) {
	const newest = nvml.DEVICE_ARCH_BLACKWELL
	for architecture := range nvml.DeviceArchitecture(newest + 1) {
		if discovery.ArchitectureName(architecture) == d.gpu.Model.Architecture {
			return architecture, nvml.SUCCESS
		}
	}
	return nvml.DEVICE_ARCH_UNKNOWN, nvml.SUCCESS
}

func (d *simulatedGPU) GetCudaComputeCapability() (int, int, nvml.Return) {
	return int(d.gpu.Model.Compute.Major), int(d.gpu.Model.Compute.Minor), nvml.SUCCESS
}

// GetMemoryInfo counts what the driver reserves as used, as NVML does.
func (d *simulatedGPU) GetMemoryInfo() (nvml.Memory, nvml.Return) {
	if _, ret := d.beginCall(CallRead); ret != nvml.SUCCESS {
		return nvml.Memory{}, ret
	}
	total, reserved := uint64(d.gpu.Model.Memory), uint64(d.gpu.Model.Reserved)
	return nvml.Memory{Total: total, Free: total - reserved, Used: reserved}, nvml.SUCCESS
}

func (d *simulatedGPU) GetMemoryInfo_v2() (nvml.Memory_v2, nvml.Return) { //nolint:revive // the name is go-nvml's
	if _, ret := d.beginCall(CallRead); ret != nvml.SUCCESS {
		return nvml.Memory_v2{}, ret
	}
	total, reserved := uint64(d.gpu.Model.Memory), uint64(d.gpu.Model.Reserved)
	return nvml.Memory_v2{Total: total, Reserved: reserved, Free: total - reserved}, nvml.SUCCESS
}

func (d *simulatedGPU) GetPciInfo() (nvml.PciInfo, nvml.Return) {
	_, ret := d.beginCall(CallRead)
	return pciInfo(d.busID, d.gpu.Model.DeviceID), ret
}

// pciInfo describes an address in sysfs' notation, domain:bus:device.function.
func pciInfo(address string, deviceID uint32) nvml.PciInfo {
	info := nvml.PciInfo{PciDeviceId: deviceID}
	for i, char := range []byte(nvmlAddress(address)) {
		info.BusId[i] = int8(char)
	}
	for i, char := range []byte(address) {
		if i < len(info.BusIdLegacy)-1 {
			info.BusIdLegacy[i] = int8(char)
		}
	}
	numbers := strings.FieldsFunc(address, func(r rune) bool { return r == ':' || r == '.' })
	for i, field := range []*uint32{&info.Domain, &info.Bus, &info.Device} {
		if i < len(numbers) {
			number, _ := strconv.ParseUint(numbers[i], 16, 32) // an odd address reads as 0
			*field = uint32(number)
		}
	}
	return info
}

// nvmlAddress is an address as NVML prints it: eight digits of domain, upper case.
func nvmlAddress(address string) string {
	domain, rest, _ := strings.Cut(address, ":")
	return strings.ToUpper(strings.Repeat("0", max(0, 8-len(domain))) + domain + ":" + rest)
}

// fabricInfo takes "<cluster UUID>.<clique id>" apart. A GPU that is in no domain
// reports that it does not support one.
func fabricInfo(clique string) (nvml.GpuFabricInfo, error) {
	if clique == "" {
		return nvml.GpuFabricInfo{State: nvml.GPU_FABRIC_STATE_NOT_SUPPORTED}, nil
	}
	info := nvml.GpuFabricInfo{State: nvml.GPU_FABRIC_STATE_COMPLETED, Status: uint32(nvml.SUCCESS)}
	cluster, id, _ := strings.Cut(clique, ".")
	number, err := strconv.ParseUint(id, 10, 32)
	var uuid []byte
	if err == nil {
		_, err = fmt.Sscanf(strings.ReplaceAll(cluster, "-", ""), "%x", &uuid)
	}
	if err != nil || len(uuid) != len(info.ClusterUuid) {
		return info, fmt.Errorf("NVLink clique %q is not <cluster UUID>.<clique id>", clique)
	}
	copy(info.ClusterUuid[:], uuid)
	info.CliqueId = uint32(number)
	return info, nil
}

func (d *simulatedGPU) GetGpuFabricInfo() (nvml.GpuFabricInfo, nvml.Return) {
	if d.fabric.State == nvml.GPU_FABRIC_STATE_NOT_SUPPORTED {
		return nvml.GpuFabricInfo{}, nvml.ERROR_NOT_SUPPORTED
	}
	return d.fabric, nvml.SUCCESS
}
