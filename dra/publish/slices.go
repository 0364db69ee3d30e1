package publish

import (
	"fmt"
	"iter"
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
// slices with the counter sets, then those with the devices, in their order. It is a pure
// function. The node must be the one that the devices are of.
//
// The in-tree allocator takes the first device that fits, in this order: see
// discovery.Node.ListDevices. A scheduler with a better idea puts them in another order. The
// devices of one GPU are kept in one slice where they fit.
func DriverResources(nodeName string, node *discovery.Node, devices []dra.Device, taints TaintSource) resourceslice.DriverResources {
	node = node.Restrict(devices)
	var pool resourceslice.Pool
	for chunk := range slices.Chunk(node.GPUs, maxCounterSets) {
		var slice resourceslice.Slice
		for i := range chunk {
			slice.SharedCounters = append(slice.SharedCounters, counterSet(&chunk[i]))
		}
		pool.Slices = append(pool.Slices, slice)
	}
	describer := newDescriber(node)
	var slice resourceslice.Slice
	for part := range chunkByGPU(devices) {
		if len(slice.Devices)+len(part) > maxDevices {
			pool.Slices = append(pool.Slices, slice)
			slice = resourceslice.Slice{}
		}
		for _, device := range part {
			published := describer.describeDevice(device)
			if taints != nil {
				published.Taints = taints(device)
			}
			slice.Devices = append(slice.Devices, published)
		}
	}
	pool.Slices = append(pool.Slices, slice)
	return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{nodeName: pool}}
}

// chunkByGPU parts devices into those of one GPU each, and these into what one slice holds.
func chunkByGPU(devices []dra.Device) iter.Seq[[]dra.Device] {
	return func(yield func([]dra.Device) bool) {
		for start := 0; start < len(devices); {
			end := start + 1
			for end < len(devices) && end-start < maxDevices && devices[end].GPU == devices[start].GPU {
				end++
			}
			if !yield(devices[start:end]) {
				return
			}
			start = end
		}
	}
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
