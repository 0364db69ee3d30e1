package publish

import (
	"fmt"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/resourceslice"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Limits of the API, k8s.io/api/resource/v1 of Kubernetes 1.37: a slice holds at
// most 8 counter sets, or else at most 64 devices if any of them consumes counters.
const (
	maxCounterSets = resourceapi.ResourceSliceMaxCounterSets
	maxDevices     = resourceapi.ResourceSliceMaxDevicesWithAdvancedFeatures
)

// TaintSource says what keeps pods from a device; nil for nothing.
type TaintSource func(dra.Device) []resourceapi.DeviceTaint

// DriverResources says what a node publishes: one pool, named after the node, first the
// slices with the counter sets, then those with the devices. It is a pure function. The node
// must be the one that the devices are of.
//
// Which slice a GPU is in depends on the node alone: devices that come and go, and taints,
// change the slices of their own GPU and no other. Within a slice devices keep their order:
// the in-tree allocator takes the first that fits, see discovery.Node.ListDevices.
func DriverResources(nodeName string, node *discovery.Node, devices []dra.Device, taints TaintSource) resourceslice.DriverResources {
	var pool resourceslice.Pool
	byGPU := map[string][]dra.Device{}
	for _, device := range devices {
		byGPU[device.GPU.UUID] = append(byGPU[device.GPU.UUID], device)
	}
	for chunk := range slices.Chunk(node.GPUs, maxCounterSets) {
		var slice resourceslice.Slice
		for i := range chunk {
			if len(byGPU[chunk[i].UUID]) > 0 {
				slice.SharedCounters = append(slice.SharedCounters, counterSet(&chunk[i]))
			}
		}
		pool.Slices = append(pool.Slices, slice)
	}
	describer := newDescriber(node.Restrict(devices))
	for _, gpus := range groupGPUs(node.GPUs) {
		var published []resourceapi.Device
		for i := range gpus {
			for _, device := range byGPU[gpus[i].UUID] {
				description := describer.describeDevice(device)
				if taints != nil {
					description.Taints = taints(device)
				}
				published = append(published, description)
			}
		}
		room := 0
		for i := range gpus {
			room += countForms(&gpus[i])
		}
		for start := 0; start == 0 || start < max(room, len(published)); start += maxDevices {
			part := published[min(start, len(published)):min(start+maxDevices, len(published))]
			pool.Slices = append(pool.Slices, resourceslice.Slice{Devices: part})
		}
	}
	return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{nodeName: pool}}
}

// groupGPUs parts the GPUs into those that share a slice: as many as fit with all devices
// that they can ever have. A GPU with more than one slice holds is on its own.
func groupGPUs(gpus []discovery.GPU) [][]discovery.GPU {
	var groups [][]discovery.GPU
	for start := 0; start < len(gpus); {
		end, room := start+1, countForms(&gpus[start])
		for end < len(gpus) && room+countForms(&gpus[end]) <= maxDevices {
			room += countForms(&gpus[end])
			end++
		}
		groups = append(groups, gpus[start:end])
		start = end
	}
	return groups
}

// countForms is the most devices that a GPU can have: whole, shared, and every placement.
func countForms(gpu *discovery.GPU) int {
	count := 2
	if gpu.Table != nil {
		for i := range gpu.Table.Profiles {
			count += len(gpu.Table.Profiles[i].Placements)
		}
	}
	return count
}

// CountDevices is the number of devices in resources.
func CountDevices(resources resourceslice.DriverResources) int {
	count := 0
	for _, pool := range resources.Pools {
		for _, slice := range pool.Slices {
			count += len(slice.Devices)
		}
	}
	return count
}

// ResourceSlices are the objects that publishing resources for a node creates,
// but for what the API server adds and the reference to the node that owns them.
// The names follow the scheme of k8s.io/dynamic-resource-allocation/resourceslice.
func ResourceSlices(nodeName string, resources resourceslice.DriverResources) []*resourceapi.ResourceSlice {
	var objects []*resourceapi.ResourceSlice
	pool := resources.Pools[nodeName]
	for i, slice := range pool.Slices {
		objects = append(objects, &resourceapi.ResourceSlice{
			TypeMeta: metav1.TypeMeta{APIVersion: resourceapi.SchemeGroupVersion.String(), Kind: "ResourceSlice"},
			ObjectMeta: metav1.ObjectMeta{
				GenerateName: fmt.Sprintf("%05x-%s-%s-", i, deviceapi.Driver, nodeName),
			},
			Spec: resourceapi.ResourceSliceSpec{
				Driver:   deviceapi.Driver,
				NodeName: &nodeName,
				Pool: resourceapi.ResourcePool{
					Name: nodeName, Generation: 1, ResourceSliceCount: int64(len(pool.Slices)),
				},
				SharedCounters: slice.SharedCounters,
				Devices:        slice.Devices,
			},
		})
	}
	return objects
}
