package workload

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// requestName names the request of every claim.
const requestName = "gpu"

// memoryOver selects devices with more memory than a quantity.
func memoryOver(quantity string) []resourceapi.DeviceSelector {
	expression := `device.capacity["` + deviceapi.Driver + `"].memory.isGreaterThan(quantity("` + quantity + `"))`
	return []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}}
}

// wholeGPUs asks for whole GPUs with more memory than a quantity.
func wholeGPUs(count int64, memory string) resourceapi.DeviceRequest {
	return exactRequest(resourceapi.ExactDeviceRequest{DeviceClassName: deviceapi.Driver, Count: count, Selectors: memoryOver(memory)})
}

// exactRequest is a request for a number of devices.
func exactRequest(exact resourceapi.ExactDeviceRequest) resourceapi.DeviceRequest {
	exact.AllocationMode = resourceapi.DeviceAllocationModeExactCount
	exact.Count = max(exact.Count, 1)
	return resourceapi.DeviceRequest{Name: requestName, Exactly: &exact}
}

// wholeGPU is what most pods ask: one GPU with more than 40 GiB.
func wholeGPU() resourceapi.DeviceRequest { return wholeGPUs(1, "40Gi") }

// sharedGPU asks for 10 GiB of a GPU.
func sharedGPU() resourceapi.DeviceRequest {
	return exactRequest(resourceapi.ExactDeviceRequest{
		DeviceClassName: "share." + deviceapi.Driver,
		Capacity: &resourceapi.CapacityRequirements{
			Requests: map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: resource.MustParse("10Gi")},
		},
	})
}

// smallSlice asks for a MIG slice.
func smallSlice() resourceapi.DeviceRequest {
	return exactRequest(resourceapi.ExactDeviceRequest{DeviceClassName: "mig-1g.10gb." + deviceapi.Driver})
}

// largerFirst asks for a GPU that no node has, or else for one that each has.
func largerFirst() resourceapi.DeviceRequest {
	alternative := func(name, memory string) resourceapi.DeviceSubRequest {
		return resourceapi.DeviceSubRequest{
			Name: name, DeviceClassName: deviceapi.Driver, Selectors: memoryOver(memory),
			AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
		}
	}
	return resourceapi.DeviceRequest{Name: requestName, FirstAvailable: []resourceapi.DeviceSubRequest{
		alternative("large", "100Gi"), alternative("other", "40Gi"),
	}}
}
