package deviceapi

import "strings"

// Extended resources under which NVIDIA's device plugin hands out GPUs.
const (
	// GPUResource is the resource of whole GPUs.
	GPUResource = "nvidia.com/gpu"
	// MIGResourcePrefix begins the resource of each MIG profile's slices.
	MIGResourcePrefix = "nvidia.com/mig-"
	// SharedResourceSuffix ends the resources of devices that several pods have each, if
	// the plugin is told to rename them.
	SharedResourceSuffix = ".shared"
)

// IsGPUResource reports whether NVIDIA's device plugin hands out GPUs or slices of them
// under a resource's name.
func IsGPUResource(resource string) bool {
	return strings.TrimSuffix(resource, SharedResourceSuffix) == GPUResource || resourceLabel(resource) != ""
}

// IsAnyGPUResource reports whether some maker's device plugin hands out GPUs or slices of
// them under a resource's name. Others call theirs as NVIDIA does: "amd.com/gpu".
func IsAnyGPUResource(resource string) bool {
	return IsGPUResource(resource) || strings.HasSuffix(strings.TrimSuffix(resource, SharedResourceSuffix), ".com/gpu")
}

// ResourceProfile is the MIG profile whose slices NVIDIA's device plugin hands out under a
// resource's name, as NVML spells it; "" if it is none.
func ResourceProfile(resource string) string {
	return ParseProfileLabel(resourceLabel(resource))
}

// resourceLabel is the part of a resource's name that stands for a MIG profile; "" if there
// is none.
func resourceLabel(resource string) string {
	label, found := strings.CutPrefix(strings.TrimSuffix(resource, SharedResourceSuffix), MIGResourcePrefix)
	if !found {
		return ""
	}
	return label
}

// ParseProfileLabel is a MIG profile's name as NVML spells it. Names of resources and
// values of labels have a dot where it has a plus: "1g.10gb.me" is 1g.10gb+me.
func ParseProfileLabel(label string) string {
	const memoryUnit = "gb."
	if at := strings.Index(label, memoryUnit); at >= 0 {
		return label[:at+len(memoryUnit)-1] + "+" + label[at+len(memoryUnit):]
	}
	return label
}
