package dra

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// claimWith is an allocated claim.
func claimWith(uid types.UID, results ...resourceapi.DeviceRequestAllocationResult) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{Status: resourceapi.ResourceClaimStatus{Allocation: &resourceapi.AllocationResult{}}}
	claim.UID = uid
	claim.Status.Allocation.Devices.Results = results
	return claim
}

func resultOf(device string) resourceapi.DeviceRequestAllocationResult {
	return resourceapi.DeviceRequestAllocationResult{Request: "r", Driver: deviceapi.Driver, Pool: "node", Device: device}
}

// Devices in use are sorted by pool; those that are not understood are known to be in
// use, and nothing else.
func TestSortAllocated(t *testing.T) {
	share := gpuDevice(2, "24Gi", "A")
	share.Name, share.AllowMultipleAllocations = "gpu-2-share", ptr.To(true)
	kind := deviceapi.TypeShare
	share.Attributes[deviceapi.Type] = resourceapi.DeviceAttribute{StringValue: &kind}
	index := indexOf(
		sliceOf("node", unknownDevice("x"), gpuDevice(0, "24Gi", "A"), gpuDevice(1, "24Gi", "A"), gpuDevice(2, "24Gi", "A"), share),
	)
	p := index.gpuPool("node")
	id := func(device string) structured.DeviceID {
		return structured.MakeDeviceID(deviceapi.Driver, "node", device)
	}
	allocated := index.sortAllocated(&structured.AllocatedState{
		AllocatedDevices: sets.New(id("x"), id("gpu-1"), id("gone"), structured.MakeDeviceID(deviceapi.Driver, "elsewhere", "gpu-0")),
		AggregatedCapacity: structured.ConsumedCapacityCollection{
			id("gpu-2-share"): {deviceapi.Memory: ptr.To(resource.MustParse("10Gi"))},
		},
	})
	want := poolAllocation{
		devices: []placement.DeviceAllocation{{Device: 1}, {Device: 3, ShareSize: placement.ShareSize{Bytes: 10 * topology.GiB}}},
		inUse:   []int{0, 2, 4},
	}
	if diff := cmp.Diff(want, allocated.ofPool(p), cmp.AllowUnexported(poolAllocation{})); diff != "" {
		t.Errorf("allocated (-want +got):\n%s", diff)
	}
	gpus := placement.GPUStates{{}, {Whole: true}, {Shared: 10 * topology.GiB, Sharers: 1}}
	if diff := cmp.Diff(gpus, allocated.gpuStates(p)); diff != "" {
		t.Errorf("GPUs (-want +got):\n%s", diff)
	}
}

// Each claim holds what it has of the pool; what is allocated and in no claim yet has a
// holder without a name, and what an administrator looks at has none.
func TestNodeStateNamesHolders(t *testing.T) {
	index := indexOf(sliceOf("node", gpuDevice(0, "24Gi", "A"), gpuDevice(1, "24Gi", "A"), gpuDevice(2, "24Gi", "A")))
	p := index.gpuPool("node")
	id := func(device string) structured.DeviceID {
		return structured.MakeDeviceID(deviceapi.Driver, "node", device)
	}
	allocated := index.sortAllocated(&structured.AllocatedState{AllocatedDevices: sets.New(id("gpu-0"), id("gpu-2"))})
	looksOn := resultOf("gpu-0")
	looksOn.AdminAccess = ptr.To(true)
	claims := []*resourceapi.ResourceClaim{
		claimWith("admin", looksOn), claimWith("a", resultOf("gpu-0")), claimWith("gone", resultOf("gpu-1")),
	}
	want := []placement.Allocation{
		{Holder: "a", Devices: []placement.DeviceAllocation{{Device: 0}}},
		{Devices: []placement.DeviceAllocation{{Device: 2}}},
	}
	state := allocated.nodeState(p, claims)
	if diff := cmp.Diff(want, state.Allocations()); diff != "" {
		t.Errorf("allocations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(allocated.gpuStates(p), state.GPUs()); diff != "" {
		t.Errorf("GPUs, by claim (-as allocated +got):\n%s", diff)
	}
}
