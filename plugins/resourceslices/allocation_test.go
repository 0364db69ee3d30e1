package resourceslices

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// What claims have is told device by device: those that are not understood, or no
// longer published, are left out, and the words say product, part and link.
func TestClaimAllocations(t *testing.T) {
	node := "node"
	slice := resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.NVIDIADriver, NodeName: &node, Pool: resourceapi.ResourcePool{Name: "pool", ResourceSliceCount: 1},
		Devices: []resourceapi.Device{vfioDevice(0), nvidiaGPU(0, "a", 0), nvidiaGPU(1, "a", 0), shareableGPU(2), sliceMadeBefore(3, 5)},
	}}
	for name, tc := range map[string]struct {
		devices                   []string
		want, wantLink, wantModel string
	}{
		"whole GPUs":     {[]string{"gpu-1", "gpu-0"}, "GPUs 1,0", "unknown", "A100-SXM4-40GB"},
		"a share":        {[]string{"gpu-2"}, "GPU 2: 4GiB of 40GiB", "-", "A100-SXM4-40GB"},
		"a MIG device":   {[]string{"gpu-3-mig-1g5gb-19-5"}, "GPU 3: 1g.5gb at 5:1", "-", "A100-SXM4-40GB"},
		"also a vfio":    {[]string{"gpu-vfio-0", "gpu-0"}, "GPU 0", "-", "A100-SXM4-40GB"},
		"vfio alone":     {[]string{"gpu-vfio-0"}, "", "", ""},
		"no longer here": {[]string{"gpu-7"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			claim := resourceapi.ResourceClaim{Status: resourceapi.ResourceClaimStatus{Allocation: &resourceapi.AllocationResult{}}}
			for _, device := range tc.devices {
				result := resourceapi.DeviceRequestAllocationResult{Driver: deviceapi.NVIDIADriver, Pool: "pool", Device: device}
				if device == "gpu-2" {
					result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{"memory": resource.MustParse("4Gi")}
				}
				claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, result)
			}
			allocations, err := ClaimAllocations([]resourceapi.ResourceSlice{slice}, []resourceapi.ResourceClaim{claim, {}})
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for i := range allocations {
				got = append(
					got, allocations[i].Node, allocations[i].DescribeDevices(), allocations[i].DescribeConnection(), allocations[i].ProductName(),
				)
			}
			if tc.want != "" {
				want = []string{"node", tc.want, tc.wantLink, tc.wantModel}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("allocations (-want +got):\n%s", diff)
			}
		})
	}
}

// Devices of several models are told with how many there are of each.
func TestProductNames(t *testing.T) {
	for name, tc := range map[string]struct {
		products []string
		want     string
	}{
		"none":    {nil, ""},
		"one":     {[]string{"NVIDIA A30"}, "A30"},
		"alike":   {[]string{"NVIDIA A30", "NVIDIA A30"}, "A30"},
		"several": {[]string{"NVIDIA GeForce RTX 4090", "Tesla T4", "NVIDIA GeForce RTX 4090"}, "2 x GeForce RTX 4090, 1 x Tesla T4"},
	} {
		t.Run(name, func(t *testing.T) {
			var devices []AllocatedDevice
			for _, product := range tc.products {
				devices = append(devices, AllocatedDevice{Product: product})
			}
			if got := ProductNames(devices); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
