package apiserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/version"
)

// Server is what an API server says of itself.
type Server struct {
	// Version is its git version, for example v1.36.4.
	Version string
	// Served are the resources that it serves, as group/version/resource.
	Served map[string]bool
}

// Feature is something of an API server that our programs build on.
type Feature struct {
	// Gate is the name of its feature gate.
	Gate string
	// Since is the first minor version of Kubernetes 1 that has it on by default.
	Since uint
	// API is the group/version/resource by which it can be seen; empty if the feature
	// consists of fields.
	API string
	// Without says what does not work if it is missing.
	Without string
}

// The features. Kubernetes 1.34, the oldest with resource.k8s.io/v1, has the rest of what
// dynamic resource allocation needs.
var (
	partitionableDevices = Feature{Gate: "DRAPartitionableDevices", Since: 36,
		Without: "devices that share a GPU, MIG slices and whole GPUs beside each other, cannot be published"}
	consumableCapacity = Feature{Gate: "DRAConsumableCapacity", Since: 36,
		Without: "shares of a GPU's memory cannot be published or claimed"}
	deviceTaints = Feature{Gate: "DRADeviceTaints", Since: 36,
		Without: "taints on devices and tolerations in claims are not kept"}
	extendedResource = Feature{Gate: "DRAExtendedResource", Since: 36,
		Without: "pods cannot ask for devices as extended resources such as nvidia.com/gpu"}
	deviceTaintRules = Feature{Gate: "DRADeviceTaintRules", Since: 37, API: "resource.k8s.io/v1/devicetaintrules",
		Without: "DeviceTaintRules do not keep pods from devices"}
	genericWorkload = Feature{Gate: "GenericWorkload", API: "scheduling.k8s.io/v1beta1/podgroups",
		Without: "pods with a spec.schedulingGroup are scheduled one by one"}
	compositePodGroup = Feature{Gate: "CompositePodGroup", API: "scheduling.k8s.io/v1alpha3/compositepodgroups",
		Without: "CompositePodGroups are not scheduled together"}
)

// DriverFeatures are what publishing the devices of a node builds on.
func DriverFeatures() []Feature { return []Feature{partitionableDevices, consumableCapacity} }

// SchedulerFeatures are what placing pods on devices builds on.
func SchedulerFeatures() []Feature {
	return []Feature{partitionableDevices, consumableCapacity, deviceTaints, extendedResource}
}

// WatchedFeatures are those for which a scheduler whose own gate is on watches an API:
// without the API it would wait for ever.
func WatchedFeatures() []Feature {
	return []Feature{deviceTaintRules, genericWorkload, compositePodGroup}
}

// MissingFeatures are the features that the server does not have, or has only if
// somebody switched them on, in the order given. A server whose version is not that of a
// release is taken to have all that consist of fields.
func MissingFeatures(server Server, features []Feature) []Feature {
	var missing []Feature
	minor, released := minorVersion(server.Version)
	for _, feature := range features {
		if feature.API != "" && !server.Served[feature.API] || feature.API == "" && released && minor < feature.Since {
			missing = append(missing, feature)
		}
	}
	return missing
}

// DescribeMissing says in one line that the server lacks the feature.
func DescribeMissing(server Server, feature Feature) string {
	if feature.API != "" {
		return fmt.Sprintf("the API server (%s) does not serve %s (%s): %s", server.Version, feature.API, feature.Gate, feature.Without)
	}
	return fmt.Sprintf("the API server (%s) has no %s unless it was switched on there, which is the default from Kubernetes 1.%d: else %s",
		server.Version, feature.Gate, feature.Since, feature.Without)
}

// minorVersion returns the minor version of a release of Kubernetes 1.
func minorVersion(text string) (minor uint, released bool) {
	parsed, err := version.ParseGeneric(text)
	if err != nil || parsed.Major() != 1 {
		return 0, false
	}
	return parsed.Minor(), true
}
