package deviceplacement

import (
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// nvidiaClass is a class of NVIDIA's driver, whatever the device.
const nvidiaClass = "nvidia"

// ofType asks for a type of device of NVIDIA's driver.
func ofType(kind string) func(*resourceapi.ResourceClaim) {
	return where(fmt.Sprintf("device.attributes[%q].type == %q", deviceapi.NVIDIADriver, kind))
}

// nvidiaDevice is a device as NVIDIA's driver publishes it: nothing but its name says
// which GPU it is on, or where.
func nvidiaDevice(name, kind, product, memory string) resourceapi.Device {
	d := device(name, kind, 0, memory)
	d.Attributes = map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
		deviceapi.Type: {StringValue: &kind}, deviceapi.ProductName: {StringValue: &product},
	}
	return d
}

// nvidiaSlice is a MIG device of a GPU, with counters of memory slices or, for one that
// was made beforehand, capacities.
func nvidiaSlice(gpu, profileID, start, size int, memory string, made bool) resourceapi.Device {
	d := nvidiaDevice(fmt.Sprintf("gpu-%d-mig-%dg-%d-%d", gpu, size, profileID, start), deviceapi.TypeMIG, "NVIDIA A100-SXM4-80GB", memory)
	d.Attributes[deviceapi.Profile] = resourceapi.DeviceAttribute{StringValue: ptr.To(fmt.Sprintf("%dg", size))}
	counters := map[string]resourceapi.Counter{}
	for i := start; i < start+size; i++ {
		counters[fmt.Sprintf("memory-slice-%d", i)] = resourceapi.Counter{Value: resource.MustParse("1")}
		if made {
			d.Capacity[resourceapi.QualifiedName(fmt.Sprintf("memorySlice%d", i))] = resourceapi.DeviceCapacity{Value: resource.MustParse("1")}
		}
	}
	if !made {
		d.ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: "gpu", Counters: counters}}
	}
	return d
}

// nvidiaShareable is a whole GPU that several claims may be allocated.
func nvidiaShareable(gpu int) resourceapi.Device {
	d := nvidiaDevice(fmt.Sprintf("gpu-%d", gpu), deviceapi.TypeGPU, "NVIDIA L40S", "48Gi")
	d.AllowMultipleAllocations = ptr.To(true)
	d.Capacity[deviceapi.Memory] = resourceapi.DeviceCapacity{
		Value: resource.MustParse("48Gi"),
		RequestPolicy: &resourceapi.CapacityRequestPolicy{
			Default:    ptr.To(resource.MustParse("48Gi")),
			ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: ptr.To(resource.MustParse("1Mi")), Step: ptr.To(resource.MustParse("1Mi"))},
		},
	}
	return d
}

// nvidiaShares is a whole GPU that is handed out in a number of shares without memory.
func nvidiaShares(gpu int, shares string) resourceapi.Device {
	d := nvidiaShareable(gpu)
	memory := d.Capacity[deviceapi.Memory]
	memory.RequestPolicy.Default = ptr.To(resource.MustParse("0"))
	memory.RequestPolicy.ValidRange.Min = ptr.To(resource.MustParse("0"))
	d.Capacity[deviceapi.Memory] = memory
	one := resource.MustParse("1")
	d.Capacity["shares"] = resourceapi.DeviceCapacity{Value: resource.MustParse(shares), RequestPolicy: &resourceapi.CapacityRequestPolicy{
		Default: &one, ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: &one, Step: &one},
	}}
	return d
}

// sharedSlice is a MIG device that was made beforehand and is shared.
func sharedSlice() resourceapi.Device {
	d := nvidiaSlice(0, 19, 0, 1, "9984Mi", true)
	d.AllowMultipleAllocations = ptr.To(true)
	for name, capacity := range d.Capacity {
		capacity.RequestPolicy = &resourceapi.CapacityRequestPolicy{Default: ptr.To(resource.MustParse("0"))}
		d.Capacity[name] = capacity
	}
	return d
}

// heldShares is a claim that has one of the shares of a device.
func heldShares(name, device string) *resourceapi.ResourceClaim {
	claim := ofNVIDIA(heldShare("n", name, device, "0"))
	result := &claim.Status.Allocation.Devices.Results[0]
	result.ShareID = ptr.To(types.UID("00000000-0000-0000-0000-0000000000" + name[:1] + "0"))
	result.ConsumedCapacity["shares"] = resource.MustParse("1")
	return claim
}

// differing keeps the requests of a claim apart.
func differing(claim *resourceapi.ResourceClaim, attribute resourceapi.FullyQualifiedName) *resourceapi.ResourceClaim {
	claim.Spec.Devices.Constraints = []resourceapi.DeviceConstraint{{DistinctAttribute: &attribute}}
	return claim
}

// publishNVIDIA is the pool of a node, with a counter for each memory slice of one GPU.
func publishNVIDIA(devices ...resourceapi.Device) []runtime.Object {
	slice, counters := publish("n", devices...), publish("n")
	slice.Spec.Driver, counters.Spec.Driver = deviceapi.NVIDIADriver, deviceapi.NVIDIADriver
	slice.Spec.Pool.ResourceSliceCount, counters.Spec.Pool.ResourceSliceCount = 2, 2
	counters.Name = "n-counters"
	set := resourceapi.CounterSet{Name: "gpu", Counters: map[string]resourceapi.Counter{}}
	for i := range 8 {
		set.Counters[fmt.Sprintf("memory-slice-%d", i)] = resourceapi.Counter{Value: resource.MustParse("1")}
	}
	counters.Spec.SharedCounters = []resourceapi.CounterSet{set}
	return []runtime.Object{slice, counters}
}

// ofNVIDIA moves what a claim holds to NVIDIA's driver.
func ofNVIDIA(claim *resourceapi.ResourceClaim) *resourceapi.ResourceClaim {
	claim.Status.Allocation.Devices.Results[0].Driver = deviceapi.NVIDIADriver
	return claim
}

func TestFilterOnNodesOfNVIDIA(t *testing.T) {
	dynamic := []resourceapi.Device{
		nvidiaSlice(0, 19, 0, 1, "9984Mi", false), nvidiaSlice(0, 19, 1, 1, "9984Mi", false), nvidiaSlice(0, 19, 6, 1, "9984Mi", false),
		nvidiaSlice(0, 5, 0, 4, "40448Mi", false), nvidiaSlice(0, 0, 0, 8, "81152Mi", false),
	}
	made := []resourceapi.Device{
		nvidiaSlice(0, 19, 0, 1, "9984Mi", true), nvidiaSlice(0, 19, 1, 1, "9984Mi", true),
		nvidiaDevice("gpu-1", deviceapi.TypeGPU, "NVIDIA A100-SXM4-80GB", "80Gi"),
	}
	small := where(`device.attributes["gpu.nvidia.com"].profile == "1g"`)
	for name, tc := range map[string]struct {
		claim    *resourceapi.ResourceClaim
		pod      func(*v1.Pod)
		objects  []runtime.Object
		want     []string
		wantCode fwk.Code
		wantText string
	}{
		"a GPU in MIG mode keeps its large profile open": {
			claim: newClaim("pod", nvidiaClass, 1, small), objects: publishNVIDIA(dynamic...), want: []string{"gpu-0-mig-1g-19-6"},
		},
		"and offers nothing whole": {
			claim: newClaim("pod", nvidiaClass, 1, ofType(deviceapi.TypeGPU)), objects: publishNVIDIA(dynamic...),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "no matching GPU",
		},
		"slices made beforehand are too small for a model server": {
			claim: newClaim("pod", nvidiaClass, 1, small), pod: serving, objects: publishNVIDIA(made...),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no slice in which the pod's model server fits",
		},
		"the whole GPU beside them is not": {
			claim: newClaim(
				"pod", nvidiaClass, 1, ofType(deviceapi.TypeGPU),
			), pod: serving, objects: publishNVIDIA(made...), want: []string{"gpu-1"},
		},
		"several claims on one GPU": {
			claim:   newClaim("pod", nvidiaClass, 1, shareOf("20Gi")),
			objects: append(publishNVIDIA(nvidiaShareable(0), nvidiaShareable(1)), ofNVIDIA(heldShare("n", "other", "gpu-1", "20Gi"))),
			want:    []string{"gpu-1"},
		},
		"until its memory is used up": {
			claim:    newClaim("pod", nvidiaClass, 1, shareOf("30Gi")),
			objects:  append(publishNVIDIA(nvidiaShareable(0)), ofNVIDIA(heldShare("n", "other", "gpu-0", "20Gi"))),
			wantCode: fwk.Unschedulable, wantText: "no GPU with 30GiB left to share",
		},
		"a claim that mentions no memory takes all": {
			claim: newClaim("pod", nvidiaClass, 1), objects: append(
				publishNVIDIA(nvidiaShareable(0)), ofNVIDIA(heldShare("n", "other", "gpu-0", "1Gi")),
			),
			wantCode: fwk.Unschedulable, wantText: "left to share",
		},
		"one of a number of shares": {
			claim:   newClaim("pod", nvidiaClass, 1),
			objects: append(publishNVIDIA(nvidiaShares(0, "2"), nvidiaShares(1, "2")), heldShares("one", "gpu-0"), heldShares("two", "gpu-0")),
			want:    []string{"gpu-1"},
		},
		"until all are taken": {
			claim: newClaim("pod", nvidiaClass, 1), objects: append(
				publishNVIDIA(nvidiaShares(0, "1"), nvidiaShares(1, "1")), heldShares("one", "gpu-0"), heldShares("two", "gpu-1"),
			),
			wantCode: fwk.Unschedulable, wantText: "node(s) have no GPU with shares left (2 of 2 are taken)",
		},
		"a slice that several claims may have": {
			claim: newClaim("pod", nvidiaClass, 1), objects: append(publishNVIDIA(sharedSlice()), heldShares("one", "gpu-0-mig-1g-19-0")),
			want: []string{"gpu-0-mig-1g-19-0"},
		},
		"is too small for the model server all the same": {
			claim: newClaim("pod", nvidiaClass, 1), pod: serving,
			objects:  append(publishNVIDIA(sharedSlice()), heldShares("one", "gpu-0-mig-1g-19-0")),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "no slice in which the pod's model server fits",
		},
		"two of one request are on two GPUs": {
			claim: newClaim("pod", nvidiaClass, 2, shareOf("4Gi")), objects: publishNVIDIA(nvidiaShareable(0), nvidiaShareable(1)),
			want: []string{"gpu-0", "gpu-1"},
		},
		"two of one request are not on one": {
			claim: newClaim("pod", nvidiaClass, 2, shareOf("4Gi")), objects: publishNVIDIA(nvidiaShareable(0)),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "fewer than 2 GPUs with 4GiB left to share",
		},
		"two requests are where they differ": {
			claim: differing(claimOf("pod", asking("a", nvidiaClass, 1), asking("b", nvidiaClass, 1)), "gpu.nvidia.com/uuid"),
			objects: publishNVIDIA(
				identified(nvidiaShares(0, "4"), "GPU-a", ""), identified(nvidiaShares(1, "4"), "GPU-b", ""),
			),
			want: []string{"gpu-0", "gpu-1"},
		},
		"a share too small for the model server": {
			claim: newClaim("pod", nvidiaClass, 1, shareOf("6Gi")), pod: serving, objects: publishNVIDIA(nvidiaShareable(0)),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no share in which the pod's model server fits",
		},
		"a server is checked beside devices for passthrough": {
			claim: newClaim("pod", nvidiaClass, 1, ofType(deviceapi.TypeGPU)), pod: serving,
			objects:  publishNVIDIA(nvidiaDevice("gpu-0", deviceapi.TypeGPU, "Tesla P4", "8Gi"), nvidiaDevice("gpu-vfio-0", "vfio", "GP104", "8Gi")),
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no GPU in which the pod's model server fits",
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkFilter(t, append(tc.objects, tc.claim), tc.pod, tc.want, tc.wantCode, tc.wantText)
		})
	}
}
