package resourceslices

import (
	"fmt"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// What is said of links: what a driver published, what the catalogue says of a machine that
// PCI addresses prove, what follows for cards that have no NVLink, and nothing else.
func TestDescribeConnection(t *testing.T) {
	at := func(index int, product, bus, root string, numa int64) resourceapi.Device {
		d := nvidiaGPU(index, root, numa)
		d.Attributes["productName"] = textAttribute(product)
		d.Attributes["resource.kubernetes.io/pciBusID"] = textAttribute(bus)
		return d
	}
	p3 := func(product string) []resourceapi.Device {
		var gpus []resourceapi.Device
		for i := range 8 {
			gpus = append(gpus, at(i, product, fmt.Sprintf("0000:00:%x.0", 0x17+i), "pci0000:00", int64(i/4)))
		}
		return gpus
	}
	linked := func(d resourceapi.Device, links string) resourceapi.Device {
		d.Attributes["links"] = textAttribute(links)
		d.Attributes["nvlinkLaneBandwidth"] = resourceapi.DeviceAttribute{IntValue: ptr.To(int64(25))}
		return d
	}
	const v100, t4, h100 = "Tesla V100-SXM2-16GB", "Tesla T4", "NVIDIA H100 80GB HBM3"
	for name, tc := range map[string]struct {
		published []resourceapi.Device
		held      []string
		want      string
	}{
		"published": {[]resourceapi.Device{
			linked(at(0, h100, "0000:13:00.0", "a", 0), "X NV18"), linked(at(1, h100, "0000:2f:00.0", "b", 0), "NV18 X"),
		}, []string{"gpu-0", "gpu-1"}, "NV18, 450 GB/s"},
		"published by one of them": {[]resourceapi.Device{
			linked(at(0, h100, "0000:13:00.0", "a", 0), "X NV18"), at(1, h100, "0000:2f:00.0", "b", 0),
		}, []string{"gpu-0", "gpu-1"}, "unknown"},
		"not published": {
			[]resourceapi.Device{at(0, h100, "", "a", 0), at(1, h100, "", "b", 1)}, []string{"gpu-0", "gpu-1"}, "unknown",
		},
		"one GPU has no links": {
			[]resourceapi.Device{at(0, h100, "", "a", 0), at(1, h100, "", "b", 1)}, []string{"gpu-1"}, "-",
		},
		"proven by the addresses":             {p3(v100), []string{"gpu-0", "gpu-3"}, "NV2, 50 GB/s"},
		"the addresses of seven are no proof": {p3(v100)[:7], []string{"gpu-0", "gpu-3"}, "unknown"},
		"nor are those of another product":    {p3(h100), []string{"gpu-0", "gpu-3"}, "unknown"},
		"cards without NVLink across sockets": {
			[]resourceapi.Device{at(0, t4, "", "a", 0), at(1, t4, "", "b", 1)}, []string{"gpu-0", "gpu-1"}, "PCIe SYS, 10 GB/s",
		},
		"and within one": {[]resourceapi.Device{at(0, t4, "", "a", 1), at(1, t4, "", "b", 1)}, []string{"gpu-0", "gpu-1"}, "PCIe NODE, 18 GB/s"},
		"at one root they may be nearer": {
			[]resourceapi.Device{at(0, t4, "", "a", 1), at(1, t4, "", "a", 1)}, []string{"gpu-0", "gpu-1"}, "unknown",
		},
		"the firmware names no NUMA node": {
			[]resourceapi.Device{at(0, t4, "", "a", -1), at(1, t4, "", "b", -1)}, []string{"gpu-0", "gpu-1"}, "unknown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			slice := resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
				Driver: deviceapi.NVIDIADriver, NodeName: ptr.To("n"), Devices: tc.published,
				Pool: resourceapi.ResourcePool{Name: "n", ResourceSliceCount: 1},
			}}
			claim := resourceapi.ResourceClaim{Status: resourceapi.ResourceClaimStatus{Allocation: &resourceapi.AllocationResult{}}}
			for _, device := range tc.held {
				claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results,
					resourceapi.DeviceRequestAllocationResult{Driver: deviceapi.NVIDIADriver, Pool: "n", Device: device})
			}
			allocations, err := ClaimAllocations([]resourceapi.ResourceSlice{slice}, []resourceapi.ResourceClaim{claim})
			if err != nil || len(allocations) != 1 {
				t.Fatalf("%d allocations, error %v", len(allocations), err)
			}
			if got := allocations[0].DescribeConnection(); got != tc.want {
				t.Errorf("connection %q, want %q", got, tc.want)
			}
		})
	}
}

// Devices with admin access are named as such and connect nothing.
func TestDescribeAdminAccess(t *testing.T) {
	slice := resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.NVIDIADriver, NodeName: ptr.To("n"),
		Devices: []resourceapi.Device{nvidiaGPU(0, "a", 0), nvidiaGPU(1, "a", 0), nvidiaGPU(2, "b", 1)},
		Pool:    resourceapi.ResourcePool{Name: "n", ResourceSliceCount: 1},
	}}
	claim := resourceapi.ResourceClaim{Status: resourceapi.ResourceClaimStatus{Allocation: &resourceapi.AllocationResult{}}}
	for i, admin := range []bool{true, true, false} {
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, resourceapi.DeviceRequestAllocationResult{
			Driver: deviceapi.NVIDIADriver, Pool: "n", Device: fmt.Sprintf("gpu-%d", i), AdminAccess: &admin,
		})
	}
	allocations, err := ClaimAllocations([]resourceapi.ResourceSlice{slice}, []resourceapi.ResourceClaim{claim})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := allocations[0].DescribeDevices(), "GPU 2; access to GPUs 0,1"; got != want {
		t.Errorf("devices %q, want %q", got, want)
	}
	if got := allocations[0].DescribeConnection(); got != "-" {
		t.Errorf("connection %q, want -", got)
	}
}
