package resourceslices

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func textAttribute(value string) resourceapi.DeviceAttribute {
	return resourceapi.DeviceAttribute{StringValue: &value}
}

func memoryOf(amount string) map[resourceapi.QualifiedName]resourceapi.DeviceCapacity {
	return map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{"memory": {Value: resource.MustParse(amount)}}
}

// nvidiaGPU is a whole GPU as NVIDIA's driver publishes it.
func nvidiaGPU(index int, root string, numa int64) resourceapi.Device {
	return resourceapi.Device{
		Name: fmt.Sprintf("gpu-%d", index),
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"type": textAttribute("gpu"), "productName": textAttribute("NVIDIA A100-SXM4-40GB"), "architecture": textAttribute("Ampere"),
			"uuid":                            textAttribute(fmt.Sprintf("GPU-aa-%d", index)),
			"resource.kubernetes.io/pcieRoot": textAttribute(root),
			"resource.kubernetes.io/numaNode": {IntValue: &numa},
		},
		Capacity: memoryOf("40Gi"),
	}
}

// nvidiaSlice is a MIG device of profile 1g.5gb as NVIDIA's driver publishes it.
func nvidiaSlice(index, start int) resourceapi.Device {
	return resourceapi.Device{
		Name: fmt.Sprintf("gpu-%d-mig-1g5gb-19-%d", index, start),
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			"type": textAttribute("mig"), "profile": textAttribute("1g.5gb"), "productName": textAttribute("NVIDIA A100-SXM4-40GB"),
			"parentUUID": textAttribute(fmt.Sprintf("GPU-aa-%d", index)),
		},
		Capacity: memoryOf("4864Mi"),
		ConsumesCounters: []resourceapi.DeviceCounterConsumption{{
			CounterSet: fmt.Sprintf("gpu-%d-counter-set", index),
			Counters: map[string]resourceapi.Counter{
				fmt.Sprintf("memory-slice-%d", start): {Value: resource.MustParse("1")}, "copy-engines": {Value: resource.MustParse("1")},
			},
		}},
	}
}

// changed is a device after a change.
func changed(device resourceapi.Device, change func(*resourceapi.Device)) resourceapi.Device {
	device = *device.DeepCopy()
	change(&device)
	return device
}

// shareableGPU is a whole GPU with memory for several claims.
func shareableGPU(index int) resourceapi.Device {
	return changed(nvidiaGPU(index, "", 0), func(d *resourceapi.Device) {
		d.AllowMultipleAllocations = ptr.To(true)
		capacity := d.Capacity["memory"]
		capacity.RequestPolicy = &resourceapi.CapacityRequestPolicy{
			Default:    ptr.To(resource.MustParse("40Gi")),
			ValidRange: &resourceapi.CapacityRequestPolicyRange{Min: ptr.To(resource.MustParse("1Mi")), Step: ptr.To(resource.MustParse("1Mi"))},
		}
		d.Capacity["memory"] = capacity
	})
}

// sliceMadeBefore is a MIG device that an administrator made: memory slices are
// capacities, and nothing consumes counters.
func sliceMadeBefore(index, start int) resourceapi.Device {
	return changed(nvidiaSlice(index, start), func(d *resourceapi.Device) {
		d.ConsumesCounters = nil
		d.Capacity[resourceapi.QualifiedName(fmt.Sprintf("memorySlice%d", start))] = resourceapi.DeviceCapacity{Value: resource.MustParse("1")}
	})
}

func vfioDevice(index int) resourceapi.Device {
	return resourceapi.Device{
		Name:       fmt.Sprintf("gpu-vfio-%d", index),
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{"type": textAttribute("vfio")},
	}
}

var (
	whole   = placement.Device{Form: placement.Whole, Memory: 40 * topology.GiB}
	shared  = placement.Device{Form: placement.Share, Memory: 40 * topology.GiB}
	smallAt = func(gpu int, start int64) placement.Device {
		return placement.Device{
			Form: placement.MIG, GPU: gpu, Memory: 4864 * topology.MiB, Profile: 19, Placement: mig.Placement{Start: start, Size: 1},
		}
	}
)

func on(gpu int, device placement.Device) placement.Device {
	device.GPU = gpu
	return device
}

// Each device is read on its own: what is not understood is left out by name, and
// nothing else with it.
func TestReadPool(t *testing.T) {
	for name, tc := range map[string]struct {
		published       []resourceapi.Device
		wantGPUs        int
		want            []placement.Device
		wantPublished   []int
		wantUnsupported map[int]string
	}{
		"whole GPUs and a MIG device, in any order": {
			published: []resourceapi.Device{nvidiaGPU(1, "a", 0), nvidiaSlice(1, 6), nvidiaGPU(0, "a", 0)},
			wantGPUs:  2, want: []placement.Device{on(1, whole), smallAt(1, 6), whole}, wantPublished: []int{0, 1, 2},
		},
		"passthrough devices beside GPUs": {
			published: []resourceapi.Device{vfioDevice(0), nvidiaGPU(0, "a", 0), vfioDevice(1), nvidiaGPU(1, "b", 1)},
			wantGPUs:  2, want: []placement.Device{whole, on(1, whole)}, wantPublished: []int{1, 3},
			wantUnsupported: map[int]string{
				0: `device gpu-vfio-0: type "vfio" is not understood`, 2: `device gpu-vfio-1: type "vfio" is not understood`,
			},
		},
		"passthrough devices alone": {
			published:       []resourceapi.Device{vfioDevice(0)},
			wantUnsupported: map[int]string{0: `device gpu-vfio-0: type "vfio" is not understood`},
		},
		"a slice that several claims may have": {
			published: []resourceapi.Device{
				changed(sliceMadeBefore(0, 6), func(d *resourceapi.Device) { d.AllowMultipleAllocations = ptr.To(true) }),
			},
			wantGPUs: 1, want: []placement.Device{smallAt(0, 6)}, wantPublished: []int{0},
		},
		"a GPU in MIG mode without the GPU itself": {
			published: []resourceapi.Device{nvidiaSlice(0, 0), nvidiaSlice(0, 6)},
			wantGPUs:  1, want: []placement.Device{smallAt(0, 0), smallAt(0, 6)}, wantPublished: []int{0, 1},
		},
		"slices made beforehand beside a whole GPU": {
			published: []resourceapi.Device{sliceMadeBefore(0, 0), sliceMadeBefore(0, 3), nvidiaGPU(1, "a", 0)},
			wantGPUs:  2, want: []placement.Device{smallAt(0, 0), smallAt(0, 3), on(1, whole)}, wantPublished: []int{0, 1, 2},
		},
		"slices under names without the profile": {
			published: []resourceapi.Device{changed(sliceMadeBefore(2, 3), func(d *resourceapi.Device) {
				d.Name = "gpu-2-mig-19-3-1"
				d.Attributes["index"] = resourceapi.DeviceAttribute{IntValue: ptr.To(int64(5))} // of the instance
			})},
			wantGPUs: 1, want: []placement.Device{smallAt(0, 3)}, wantPublished: []int{0},
		},
		"a slice that names its GPU by UUID": {
			published: []resourceapi.Device{nvidiaGPU(0, "a", 0), nvidiaGPU(1, "a", 0), changed(nvidiaSlice(1, 4), func(d *resourceapi.Device) {
				d.Name = "slice"
				d.Attributes["parentUUID"] = textAttribute("gpu-AA-1")
				for name, value := range map[resourceapi.QualifiedName]int64{"profileID": 19, "placementStart": 4, "placementSize": 1} {
					d.Attributes[name] = resourceapi.DeviceAttribute{IntValue: &value}
				}
			})},
			wantGPUs: 2, want: []placement.Device{whole, on(1, whole), smallAt(1, 4)}, wantPublished: []int{0, 1, 2},
		},
		"GPUs in shares": {
			published: []resourceapi.Device{shareableGPU(0), nvidiaGPU(1, "a", 0)},
			wantGPUs:  2, want: []placement.Device{shared, on(1, whole)}, wantPublished: []int{0, 1},
		},
		"unified memory": { // none is published: to be had whole, not in shares
			published: []resourceapi.Device{
				changed(nvidiaGPU(0, "a", 0), func(d *resourceapi.Device) { d.Capacity = nil }),
				changed(shareableGPU(1), func(d *resourceapi.Device) { d.Capacity = nil }),
			},
			wantGPUs: 1, want: []placement.Device{{Form: placement.Whole}}, wantPublished: []int{0},
			wantUnsupported: map[int]string{1: "device gpu-1: it may be shared but publishes no memory to share"},
		},
		"GPU that cannot be told": {
			published: []resourceapi.Device{changed(nvidiaGPU(0, "a", 0), func(d *resourceapi.Device) { d.Name = "card" }), nvidiaGPU(1, "a", 0)},
			wantGPUs:  1, want: []placement.Device{whole}, wantPublished: []int{1},
			wantUnsupported: map[int]string{0: "device card: its GPU cannot be told"},
		},
		"negative memory": {
			published:       []resourceapi.Device{changed(nvidiaGPU(0, "a", 0), func(d *resourceapi.Device) { d.Capacity = memoryOf("-1Gi") })},
			wantUnsupported: map[int]string{0: "device gpu-0: negative memory"},
		},
		"shares alone tell of their GPUs": {
			published: []resourceapi.Device{changed(shareableGPU(0), func(d *resourceapi.Device) { d.Attributes["type"] = textAttribute("share") })},
			wantGPUs:  1, want: []placement.Device{{Form: placement.Share, Memory: 40 * topology.GiB}}, wantPublished: []int{0},
		},
		"MIG placements that cannot be": {
			published: []resourceapi.Device{
				changed(sliceMadeBefore(0, 0), func(d *resourceapi.Device) { d.Capacity = memoryOf("4864Mi") }),
				changed(nvidiaSlice(0, 0), func(d *resourceapi.Device) { d.Name = "gpu-0-mig-1g5gb-19-99" }),
				nvidiaGPU(0, "a", 0),
			},
			wantGPUs: 1, want: []placement.Device{whole}, wantPublished: []int{2},
			wantUnsupported: map[int]string{
				0: "device gpu-0-mig-1g5gb-19-0: its MIG placement cannot be told",
				1: "device gpu-0-mig-1g5gb-19-99: its MIG placement 99:1 is on no GPU, want memory slices within 0 to 11",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := ReadPool(deviceapi.NVIDIADriver, tc.published)
			if err != nil {
				t.Fatal(err)
			}
			gpus := 0
			if reading.Node != nil {
				gpus = len(reading.Node.GPUs)
			}
			if gpus != tc.wantGPUs {
				t.Errorf("%d GPUs, want %d", gpus, tc.wantGPUs)
			}
			if diff := cmp.Diff(tc.want, reading.Devices, cmpopts.IgnoreUnexported(placement.Device{})); diff != "" {
				t.Errorf("devices (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantPublished, reading.Published); diff != "" {
				t.Errorf("published as (-want +got):\n%s", diff)
			}
			var unsupported map[int]string
			for i, because := range reading.Unsupported {
				if unsupported == nil {
					unsupported = map[int]string{}
				}
				unsupported[i] = because.Error()
			}
			if diff := cmp.Diff(tc.wantUnsupported, unsupported); diff != "" {
				t.Errorf("unsupported (-want +got):\n%s", diff)
			}
			if inventory, err := reading.NewInventory(placement.PriorDemand()); err != nil || (inventory == nil) != (gpus == 0) {
				t.Errorf("inventory %v, error %v", inventory, err)
			}
		})
	}
}

// NVIDIA's driver publishes no links: PCIe roots and NUMA nodes must do.
func TestReadPoolAssumesLinks(t *testing.T) {
	reading, err := ReadPool(
		deviceapi.NVIDIADriver, []resourceapi.Device{nvidiaGPU(1, "a", 0), nvidiaGPU(0, "a", 0), nvidiaGPU(2, "b", 1), nvidiaGPU(3, "c", 1)},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]topology.Link{
		{{Kind: topology.Self}, {Kind: topology.PHB, Assumed: true}, {Kind: topology.SYS, Assumed: true}, {Kind: topology.SYS, Assumed: true}},
		{{Kind: topology.PHB, Assumed: true}, {Kind: topology.Self}, {Kind: topology.SYS, Assumed: true}, {Kind: topology.SYS, Assumed: true}},
		{{Kind: topology.SYS, Assumed: true}, {Kind: topology.SYS, Assumed: true}, {Kind: topology.Self}, {Kind: topology.NODE, Assumed: true}},
		{{Kind: topology.SYS, Assumed: true}, {Kind: topology.SYS, Assumed: true}, {Kind: topology.NODE, Assumed: true}, {Kind: topology.Self}},
	}
	if diff := cmp.Diff(want, reading.Node.Links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

// A GPU that is known by its parts has the memory of its product, which no instance
// has, or else that of the largest instance.
func TestReadPoolTellsTheMemoryOfASplitGPU(t *testing.T) {
	for product, want := range map[string]topology.Bytes{
		"NVIDIA A100-SXM4-40GB": 40960 * topology.MiB, "NVIDIA of tomorrow": 4864 * topology.MiB,
	} {
		part := changed(nvidiaSlice(0, 6), func(d *resourceapi.Device) { d.Attributes["productName"] = textAttribute(product) })
		reading, err := ReadPool(deviceapi.NVIDIADriver, []resourceapi.Device{part})
		if err != nil {
			t.Fatal(err)
		}
		if got := reading.Node.GPUs[0].Model; got.Memory != want || got.Product != product {
			t.Errorf("%s with %s, want %s with %s", got.Product, got.Memory, product, want)
		}
	}
}

func TestReadPoolRefusesMoreGPUsThanANodeCanHave(t *testing.T) {
	var published []resourceapi.Device
	for i := range topology.MaxGPUs + 1 {
		published = append(published, nvidiaGPU(i, "a", 0))
	}
	_, err := ReadPool(deviceapi.NVIDIADriver, published)
	if err == nil || !strings.Contains(err.Error(), "publishes 17 GPUs for one node, at most 16") {
		t.Errorf("error %v, want that 17 GPUs are too many", err)
	}
}
