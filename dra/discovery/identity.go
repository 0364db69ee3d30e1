package discovery

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// gpuReader is what is asked of one GPU; nvml.Device has it.
type gpuReader interface {
	GetUUID() (string, nvml.Return)
	GetMinorNumber() (int, nvml.Return)
	GetPciInfo() (nvml.PciInfo, nvml.Return)
	GetName() (string, nvml.Return)
	GetBrand() (nvml.BrandType, nvml.Return)
	GetArchitecture() (nvml.DeviceArchitecture, nvml.Return)
	GetCudaComputeCapability() (int, int, nvml.Return)
	GetMemoryInfo() (nvml.Memory, nvml.Return)
	GetMemoryInfo_v2() (nvml.Memory_v2, nvml.Return)
	GetMigMode() (int, int, nvml.Return)
	GetGpuInstanceProfileInfo(profile int) (nvml.GpuInstanceProfileInfo, nvml.Return)
	GetGpuInstancePossiblePlacements(info *nvml.GpuInstanceProfileInfo) ([]nvml.GpuInstancePlacement, nvml.Return)
	GetGpuFabricInfo() (nvml.GpuFabricInfo, nvml.Return)
	GetNvLinkState(link int) (nvml.EnableState, nvml.Return)
	GetNvLinkRemoteDeviceType(link int) (nvml.IntNvLinkDeviceType, nvml.Return)
	GetNvLinkRemotePciInfo(link int) (nvml.PciInfo, nvml.Return)
	GetNvLinkVersion(link int) (uint32, nvml.Return)
	GetFieldValues(values []nvml.FieldValue) nvml.Return
	GetTopologyCommonAncestor(other nvml.Device) (nvml.GpuTopologyLevel, nvml.Return)
	GetP2PStatus(other nvml.Device, capability nvml.GpuP2PCapsIndex) (nvml.GpuP2PStatus, nvml.Return)
}

// gpuFacts is what one GPU says of itself.
type gpuFacts struct {
	device nvml.Device // for questions about two GPUs
	index  int64       // NVML's
	uuid   string
	minor  int64
	// busID is the PCI address as sysfs writes it, "" if NVML gives none.
	busID string
	place sysfsPlace
	// model lacks what only comparing GPUs can tell: P2P and LaneGBps.
	model               topology.Model
	table               *mig.Table // nil without MIG
	migMode, migPending bool
	clique              string
}

// readFacts asks one GPU all but its links.
func readFacts(lib Library, sys fs.FS, gpu int) (*gpuFacts, error) {
	device, ret := lib.DeviceGetHandleByIndex(gpu)
	if ret != nvml.SUCCESS {
		return nil, callFailed(gpu, "DeviceGetHandleByIndex", ret)
	}
	facts := &gpuFacts{device: device, index: int64(gpu)}
	if err := facts.readIdentity(lib, device, gpu); err != nil {
		return nil, err
	}
	var err error
	if facts.table, facts.migMode, facts.migPending, err = readMIG(device, gpu, facts.model); err != nil {
		return nil, err
	}
	if facts.clique, err = readClique(lib, device, gpu); err != nil {
		return nil, err
	}
	if facts.place, err = readPlace(sys, facts.busID); err != nil {
		return nil, fmt.Errorf("GPU %d: %w", gpu, err)
	}
	return facts, nil
}

// readIdentity asks one GPU who it is.
func (f *gpuFacts) readIdentity(lib Library, device gpuReader, gpu int) error {
	var ret nvml.Return
	if f.uuid, ret = device.GetUUID(); ret != nvml.SUCCESS {
		return callFailed(gpu, "GetUUID", ret)
	}
	minor, ret := device.GetMinorNumber()
	if ret != nvml.SUCCESS {
		return callFailed(gpu, "GetMinorNumber", ret)
	}
	f.minor = int64(minor)
	pci, ret := device.GetPciInfo()
	if ret != nvml.SUCCESS {
		return callFailed(gpu, "GetPciInfo", ret)
	}
	address, err := BusID(pci)
	if err != nil {
		return fmt.Errorf("GPU %d: GetPciInfo: %w", gpu, err)
	}
	f.busID = address
	f.model, err = readModel(lib, device, gpu)
	f.model.DeviceID = pci.PciDeviceId
	return err
}

// readModel asks one GPU what it is.
func readModel(lib Library, device gpuReader, gpu int) (topology.Model, error) {
	model := topology.Model{Confidence: "high", Source: "NVML"}
	name, ret := device.GetName()
	if ret != nvml.SUCCESS {
		return model, callFailed(gpu, "GetName", ret)
	}
	model.Name, model.Product = name, name
	brand, ret := device.GetBrand()
	if ret != nvml.SUCCESS {
		return model, callFailed(gpu, "GetBrand", ret)
	}
	model.Brand = BrandName(brand)
	architecture, ret := device.GetArchitecture()
	if ret != nvml.SUCCESS {
		return model, callFailed(gpu, "GetArchitecture", ret)
	}
	model.Architecture = ArchitectureName(architecture)
	major, minor, ret := device.GetCudaComputeCapability()
	if ret != nvml.SUCCESS {
		return model, callFailed(gpu, "GetCudaComputeCapability", ret)
	}
	model.Compute = topology.ComputeCapability{Major: int64(major), Minor: int64(minor)}
	return model, readMemory(lib, device, gpu, &model)
}

// readMemory reads the total, and the part that the driver reserves. Drivers
// before 510 count that part as used and do not tell it apart; it is then 0.
func readMemory(lib Library, device gpuReader, gpu int, model *topology.Model) error {
	if lib.Extensions().LookupSymbol("nvmlDeviceGetMemoryInfo_v2") == nil {
		memory, ret := device.GetMemoryInfo_v2()
		if ret == nvml.SUCCESS {
			model.Memory, model.Reserved = topology.Bytes(memory.Total), topology.Bytes(memory.Reserved)
			return nil
		}
		if !isAbsent(ret) {
			return callFailed(gpu, "GetMemoryInfo_v2", ret)
		}
	}
	memory, ret := device.GetMemoryInfo()
	if ret != nvml.SUCCESS {
		return callFailed(gpu, "GetMemoryInfo", ret)
	}
	model.Memory = topology.Bytes(memory.Total)
	return nil
}

// brands are the names that NVIDIA's tools give to NVML's brands
// (github.com/NVIDIA/go-nvlib, pkg/nvlib/device/device.go, GetBrandAsString).
var brands = map[nvml.BrandType]string{
	nvml.BRAND_QUADRO: "Quadro", nvml.BRAND_TESLA: "Tesla", nvml.BRAND_NVS: "NVS", nvml.BRAND_GRID: "Grid",
	nvml.BRAND_GEFORCE: "GeForce", nvml.BRAND_TITAN: "Titan", nvml.BRAND_NVIDIA_VAPPS: "NvidiaVApps",
	nvml.BRAND_NVIDIA_VPC: "NvidiaVPC", nvml.BRAND_NVIDIA_VCS: "NvidiaVCS", nvml.BRAND_NVIDIA_VWS: "NvidiaVWS",
	nvml.BRAND_NVIDIA_CLOUD_GAMING: "NvidiaCloudGaming", nvml.BRAND_QUADRO_RTX: "QuadroRTX",
	nvml.BRAND_NVIDIA_RTX: "NvidiaRTX", nvml.BRAND_NVIDIA: "Nvidia", nvml.BRAND_GEFORCE_RTX: "GeForceRTX",
	nvml.BRAND_TITAN_RTX: "TitanRTX",
}

// BrandName is the brand as NVIDIA's tools print it, "Unknown" for others.
func BrandName(brand nvml.BrandType) string {
	if name, found := brands[brand]; found {
		return name
	}
	return "Unknown"
}

// architectures are the names that NVIDIA's tools give to NVML's architectures
// (github.com/NVIDIA/go-nvlib, pkg/nvlib/device/device.go, GetArchitectureAsString).
var architectures = map[nvml.DeviceArchitecture]string{
	nvml.DEVICE_ARCH_KEPLER: "Kepler", nvml.DEVICE_ARCH_MAXWELL: "Maxwell", nvml.DEVICE_ARCH_PASCAL: "Pascal",
	nvml.DEVICE_ARCH_VOLTA: "Volta", nvml.DEVICE_ARCH_TURING: "Turing", nvml.DEVICE_ARCH_AMPERE: "Ampere",
	nvml.DEVICE_ARCH_ADA: "Ada Lovelace", nvml.DEVICE_ARCH_HOPPER: "Hopper", nvml.DEVICE_ARCH_BLACKWELL: "Blackwell",
}

// ArchitectureName is the architecture as NVIDIA's tools print it, "Unknown" for others.
func ArchitectureName(architecture nvml.DeviceArchitecture) string {
	if name, found := architectures[architecture]; found {
		return name
	}
	return "Unknown"
}

// BusID is the PCI address as sysfs writes it, "0000:1b:00.0". NVML prints the
// domain with eight digits and in upper case, "00000000:1B:00.0"; sysfs pads it
// to four, and prints more only where the domain has more. It is "" if NVML
// gives no address.
func BusID(pci nvml.PciInfo) (string, error) {
	var text strings.Builder
	for _, char := range pci.BusId {
		if char == 0 {
			break
		}
		text.WriteByte(byte(char))
	}
	if text.Len() == 0 {
		return "", nil
	}
	address := strings.ToLower(text.String())
	domain, rest, found := strings.Cut(address, ":")
	number, err := strconv.ParseUint(domain, 16, 32)
	if !found || err != nil {
		return "", fmt.Errorf("PCI address %q is not domain:bus:device.function", text.String())
	}
	return fmt.Sprintf("%04x:%s", number, rest), nil
}
