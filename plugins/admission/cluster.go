package admission

import (
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology"
)

// SchedulerName is what Ashlar's scheduler is called in manifests.
const SchedulerName = "ashlar-scheduler"

// Cluster is what a review needs to know of the cluster. The zero value knows nothing: then
// parts of a GPU that are stated as percentages cannot be claimed, and names are not checked.
type Cluster struct {
	// ShareMemory is how much memory the GPUs that Ashlar's driver publishes have to share
	// out, each amount once.
	ShareMemory []topology.Bytes
	// DeviceClasses are the names of all DeviceClasses, ClassResources the extended resources
	// that stand for one.
	DeviceClasses, ClassResources []string
	// NodeResources are the extended resources of all nodes.
	NodeResources []string
	// FindTemplate is a ResourceClaimTemplate of the pod's namespace, nil if it is not known.
	FindTemplate func(name string) *resourceapi.ResourceClaimTemplate
}

// shareSizes are the amounts of memory that GPUs have to share out, the smallest first.
func (c *Cluster) shareSizes() []topology.Bytes {
	sizes := slices.Clone(c.ShareMemory)
	slices.Sort(sizes)
	return slices.Compact(sizes)
}
