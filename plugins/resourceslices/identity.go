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
