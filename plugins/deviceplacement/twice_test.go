package deviceplacement

import (
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// publishShareable is a node of GPUs that are handed out whole or in shares, which one counter per GPU
// keeps apart.
func publishShareable(gpus int64) []runtime.Object {
	devices, counters := publish("n"), publish("n")
	counters.Name = "n-counters"
	devices.Spec.Pool.ResourceSliceCount, counters.Spec.Pool.ResourceSliceCount = 2, 2
	for gpu := range gpus {
		set := deviceapi.GPUDevice(gpu) + "-counters"
		devices.Spec.Devices = append(devices.Spec.Devices,
			counted(wholeGPU(gpu, "X SYS"), set, "gpu"), counted(gpuShare(gpu), set, "gpu"))
		counters.Spec.SharedCounters = append(counters.Spec.SharedCounters, resourceapi.CounterSet{
			Name: set, Counters: map[string]resourceapi.Counter{"gpu": {Value: resource.MustParse("1")}},
		})
	}
	return []runtime.Object{devices, counters}
}

// Another scheduler has given away a part of a GPU that somebody has whole. The in-tree code finds room in
// shares of that GPU and nowhere else on the node; Ashlar gives away what is free, and nothing of that GPU.
func TestFilterBesideDoubleAllocation(t *testing.T) {
	const all, count = resourceapi.DeviceAllocationModeAll, resourceapi.DeviceAllocationModeExactCount
	whole := held("n", newClaim("whole", gpuClass, 1), "gpu-0")
	share, slice := heldShare("n", "share", "gpu-0-share", "20Gi"), held("n", newClaim("slice", sliceClass, 1), "gpu-0-mig-1g10gb-19-0")
	for name, tc := range map[string]struct {
		node     []runtime.Object
		held     *resourceapi.ResourceClaim // beside the whole GPU
		requests []resourceapi.DeviceRequest
		want     []string
	}{
		"a share, another GPU is free": {publishShareable(2), share, asks(askingShare("a", "20Gi")), []string{"gpu-1-share"}},
		"a share, no other is":         {publishShareable(1), share, asks(askingShare("a", "20Gi")), nil},
		"a GPU, another is free":       {publishShareable(2), share, asks(asking("a", gpuClass, 1)), []string{"gpu-1"}},
		"a GPU, no other is":           {publishShareable(1), share, asks(asking("a", gpuClass, 1)), nil},
		"more GPUs than are free":      {publishShareable(2), share, asks(asking("a", gpuClass, 2)), nil},
		"a GPU, a slice is held":       {publishCounted(), slice, asks(asking("a", gpuClass, 1)), []string{"gpu-1"}},
		"a slice, a slice is held":     {publishCounted(), slice, asks(asking("a", sliceClass, 1)), nil},
		"all GPUs to be looked at": {
			publishShareable(2), share, asks(looking(asking("a", gpuClass, 1), all)), []string{"gpu-0", "gpu-1"},
		},
		"a share, and a GPU to be looked at": {
			publishShareable(2), share, asks(askingShare("a", "20Gi"), looking(asking("b", gpuClass, 1), count)), []string{"gpu-0", "gpu-1-share"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode := fwk.Success
			if tc.want == nil {
				wantCode = fwk.Unschedulable
			}
			checkFilter(t, append(tc.node, claimOf("pod", tc.requests...), whole, tc.held), nil, tc.want, wantCode, "")
		})
	}
}

func asks(requests ...resourceapi.DeviceRequest) []resourceapi.DeviceRequest { return requests }

// askingShare asks for a share of a GPU.
func askingShare(name, amount string) resourceapi.DeviceRequest {
	request := asking(name, shareClass, 1)
	request.Exactly.Capacity = &resourceapi.CapacityRequirements{
		Requests: map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: resource.MustParse(amount)},
	}
	return request
}
