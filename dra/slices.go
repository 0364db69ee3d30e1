package dra

import (
	"fmt"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/resourceslice"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Limits of the API, k8s.io/api/resource/v1 of Kubernetes 1.37: a slice holds at
// most 8 counter sets, or else at most 64 devices if any of them consumes counters.
const (
	maxCounterSets = resourceapi.ResourceSliceMaxCounterSets
	maxDevices     = resourceapi.ResourceSliceMaxDevicesWithAdvancedFeatures
)

// DriverResources says what a node publishes: one pool, named after the node, first the
// slices with the counter sets, then those with the devices. It is a pure
// function.
//
// Devices are ordered by GPU index and, within a GPU, as the whole GPU, the
// share, then MIG placements from small to large. The in-tree allocator takes
// the first device that fits, in this order: a request that says nothing about
// its form gets a whole GPU, and one for a MIG profile gets the highest start. A
// scheduler with a better idea puts them in another order. The devices of one
// GPU are kept in one slice where they fit.
func DriverResources(nodeName string, inventory *Discovery) resourceslice.DriverResources {
	var pool resourceslice.Pool
	for chunk := range slices.Chunk(inventory.GPUs, maxCounterSets) {
		var slice resourceslice.Slice
		for _, gpu := range chunk {
			slice.SharedCounters = append(slice.SharedCounters, counterSet(gpu))
		}
		pool.Slices = append(pool.Slices, slice)
	}
	islands := inventory.Node.Islands()
	var slice resourceslice.Slice
	for gpu := range inventory.GPUs {
		devices := deviceDescriber{inventory: inventory, gpu: gpu, islands: islands}.allDevices()
		for part := range slices.Chunk(devices, maxDevices) {
			if len(slice.Devices)+len(part) > maxDevices {
				pool.Slices = append(pool.Slices, slice)
				slice = resourceslice.Slice{}
			}
			slice.Devices = append(slice.Devices, part...)
		}
	}
	pool.Slices = append(pool.Slices, slice)
	return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{nodeName: pool}}
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
