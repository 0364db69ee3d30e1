package resourceslices

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// NVIDIA's driver writes the number of a device's GPU, the profile and the placement of
// a MIG device into device names (kubernetes-sigs/dra-driver-nvidia-gpu,
// cmd/gpu-kubelet-plugin, CanonicalName). Before the profile's name was part of it, a
// name was profile id, first slice and number of slices.
var (
	nvidiaGPUName      = regexp.MustCompile(`^gpu-(\d+)$`)
	nvidiaMIGName      = regexp.MustCompile(`^gpu-(\d+)-mig-[^-]*[a-z][^-]*(?:-.+)?-(\d+)-(\d+)$`)
	nvidiaMIGShortName = regexp.MustCompile(`^gpu-(\d+)-mig-(\d+)-(\d+)-(\d+)$`)
)

// gpuIndex is the NVML index of the device's GPU; of is the index of the GPU with a
// UUID, for devices that name their GPU so.
func (d Device) gpuIndex(of map[string]int64) (int64, error) {
	if index, found := d.intAttribute(deviceapi.ParentIndex); found {
		return index, nil
	}
	ownIndex := d.Driver == deviceapi.NVIDIADriver && d.textAttribute(deviceapi.Type) == deviceapi.TypeMIG
	if index, found := d.intAttribute(deviceapi.Index); found && !ownIndex {
		return index, nil
	}
	for _, pattern := range []*regexp.Regexp{nvidiaGPUName, nvidiaMIGName, nvidiaMIGShortName} {
		if match := pattern.FindStringSubmatch(d.Name); match != nil {
			return strconv.ParseInt(match[1], 10, 64)
		}
	}
	if index, found := of[strings.ToLower(d.textAttribute(deviceapi.ParentUUID))]; found {
		return index, nil
	}
	return 0, fmt.Errorf("device %s: its GPU cannot be told", d.Name)
}

// gpusByUUID are the indexes of the GPUs that are published under a UUID of their own.
func gpusByUUID(devices []Device) map[string]int64 {
	of := map[string]int64{}
	for _, d := range devices {
		uuid := d.textAttribute(deviceapi.UUID)
		if uuid == "" || d.textAttribute(deviceapi.Type) != deviceapi.TypeGPU {
			continue
		}
		if index, err := d.gpuIndex(nil); err == nil {
			of[strings.ToLower(uuid)] = index
		}
	}
	return of
}

// GPUIdentity says which physical GPU a device is, or lies on, across drivers. What is not
// published is "".
type GPUIdentity struct {
	// UUID is NVML's of the whole GPU, in lower case.
	UUID string
	// BusID is the PCI address, as sysfs writes it.
	BusID string
}

// SameGPU reports whether both are one physical GPU of a node. What is known of neither
// cannot tell.
func (g GPUIdentity) SameGPU(other GPUIdentity) bool {
	return g.UUID != "" && g.UUID == other.UUID || g.BusID != "" && g.BusID == other.BusID
}

// ComparableTo reports whether SameGPU can tell: both publish a UUID, or both an address.
func (g GPUIdentity) ComparableTo(other GPUIdentity) bool {
	return g.UUID != "" && other.UUID != "" || g.BusID != "" && other.BusID != ""
}

// GPUIdentity reads which physical GPU the device is on.
func (d Device) GPUIdentity() GPUIdentity {
	uuid := d.textAttribute(deviceapi.UUID)
	if parent := d.textAttribute(deviceapi.ParentUUID); parent != "" || d.textAttribute(deviceapi.Type) == deviceapi.TypeMIG {
		uuid = parent
	}
	return GPUIdentity{UUID: strings.ToLower(uuid), BusID: normalBusID(d.textAttribute(deviceapi.PCIBusID))}
}

// normalBusID writes a PCI address as sysfs does: NVML has eight digits for the domain, lspci
// may have none.
func normalBusID(text string) string {
	text = strings.ToLower(text)
	switch strings.Count(text, ":") {
	case 1:
		return "0000:" + text
	case 2:
		domain, rest, _ := strings.Cut(text, ":")
		if extra := len(domain) - 4; extra > 0 && strings.Trim(domain[:extra], "0") == "" {
			return domain[extra:] + ":" + rest
		}
	}
	return text
}

// IsPassthrough reports whether the device is a whole GPU for a virtual machine, which
// NVIDIA's driver publishes beside the GPU itself.
func (d Device) IsPassthrough() bool { return d.textAttribute(deviceapi.Type) == deviceapi.TypeVFIO }
