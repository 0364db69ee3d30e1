package dra

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuDevice is a whole GPU of our driver.
func gpuDevice(index int64, memory, product string) resourceapi.Device {
	kind := deviceapi.TypeGPU
	return resourceapi.Device{
		Name: deviceapi.GPUDevice(index),
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			deviceapi.Type: {StringValue: &kind}, deviceapi.Index: {IntValue: &index}, deviceapi.ProductName: {StringValue: &product},
		},
		Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: resource.MustParse(memory)}},
	}
}

// unknownDevice is one that is not understood.
func unknownDevice(name string) resourceapi.Device {
	kind := "vfio"
	return resourceapi.Device{
		Name: name, Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{deviceapi.Type: {StringValue: &kind}},
	}
}

// sliceOf is the only slice of a node's pool.
func sliceOf(node string, devices ...resourceapi.Device) *resourceapi.ResourceSlice {
	slice := &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.Driver, NodeName: &node, Pool: resourceapi.ResourcePool{Name: node, ResourceSliceCount: 1}, Devices: devices,
	}}
	slice.Name = node
	return slice
}

// indexOf reads the pool of each slice.
func indexOf(slices ...*resourceapi.ResourceSlice) *poolIndex {
	index := &poolIndex{}
	index.updatePools(slices)
	return index
}

// poolOf is a pool of whole GPUs with the given memory and product.
func poolOf(t *testing.T, gpus ...[2]string) *Pool {
	t.Helper()
	var devices []resourceapi.Device
	for i, gpu := range gpus {
		devices = append(devices, gpuDevice(int64(i), gpu[0], gpu[1]))
	}
	found := indexOf(sliceOf("node", devices...)).gpuPool("node")
	if found == nil {
		t.Fatal("the pool is not understood")
	}
	return found
}

// namesShown are the devices that the in-tree plugin sees of a pool.
func namesShown(p *Pool) []string {
	var names []string
	for i := range p.placeholder.devices.Spec.Devices {
		names = append(names, p.placeholder.devices.Spec.Devices[i].Name)
	}
	return names
}

// What is shown are the chosen devices first, each once, and the allocated ones, whose
// counters must stay accounted for.
func TestShowOnly(t *testing.T) {
	gpus := poolOf(t, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"}, [2]string{"24Gi", "A"})
	cycle := &Cycle{source: &Source{}, request: &PodRequest{}, allocated: allocatedByPool{gpus: {inUse: []int{0, 3}}}}
	view := &View{cycle: cycle, pool: gpus}
	view.ShowChosen(context.Background(), []placement.DeviceAllocation{{Device: 3}, {Device: 1}, {Device: 3}})
	if diff := cmp.Diff([]string{"gpu-3", "gpu-1", "gpu-0"}, namesShown(gpus)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	gpus.hideDevices()
	if names := namesShown(gpus); len(names) != 0 {
		t.Errorf("%v are shown after all were hidden", names)
	}
	cycle.showPool(context.Background(), gpus, nil, nil)
	if diff := cmp.Diff([]string{"gpu-0", "gpu-1", "gpu-2", "gpu-3"}, namesShown(gpus)); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

// A pool that the in-tree code would find invalid passes through to it as it is:
// hiding the device that is wrong must not make the rest allocatable. One device that is
// not understood does not switch off the others.
func TestPoolsPassThrough(t *testing.T) {
	gpu := gpuDevice(0, "24Gi", "A")
	unsound := sliceOf("node", gpu, gpu)
	for name, tc := range map[string]struct {
		slice         *resourceapi.ResourceSlice
		wantUnmanaged int
		wantGPUs      bool
	}{
		"GPUs":                        {sliceOf("node", gpu), 0, true},
		"an unsound pool":             {unsound, 1, false},
		"a device not understood":     {sliceOf("node", unknownDevice("x"), gpu), 0, true},
		"only devices not understood": {sliceOf("node", unknownDevice("x")), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			index := indexOf(tc.slice)
			if index.unmanagedPools != tc.wantUnmanaged || (index.gpuPool("node") != nil) != tc.wantGPUs {
				t.Errorf("%d pools pass through, want %d; GPUs %t", index.unmanagedPools, tc.wantUnmanaged, index.gpuPool("node") != nil)
			}
			if passed := index.placeholders[0] == tc.slice; passed != (tc.wantUnmanaged == 1) {
				t.Errorf("the slice itself is handed over: %t", passed)
			}
		})
	}
}

// Pools of equal make share an inventory, whatever else is published beside them, and
// only pools whose slices changed are read anew.
func TestUpdatePools(t *testing.T) {
	a, b, c := sliceOf("a", gpuDevice(0, "24Gi", "A")), sliceOf(
		"b", unknownDevice("x"), gpuDevice(0, "24Gi", "A"),
	), sliceOf("c", gpuDevice(0, "24Gi", "B"))
	index := indexOf(a, b, c)
	poolA, poolB, poolC := index.gpuPool("a"), index.gpuPool("b"), index.gpuPool("c")
	if poolA.gpus.inventory != poolB.gpus.inventory || poolA.gpus.inventory == poolC.gpus.inventory {
		t.Error("a and b are of one make, c is of another")
	}
	index.updatePools([]*resourceapi.ResourceSlice{c, b, a})
	if index.generation != 1 {
		t.Errorf("generation %d after the same slices came again, want 1", index.generation)
	}
	changed := sliceOf("c", gpuDevice(0, "24Gi", "C"))
	index.updatePools([]*resourceapi.ResourceSlice{a, b, changed})
	if index.generation != 2 || index.gpuPool("a") != poolA || index.gpuPool("c") == poolC {
		t.Errorf("generation %d; pool a is the same: %t, pool c: %t", index.generation, index.gpuPool("a") == poolA, index.gpuPool("c") == poolC)
	}
	if got := len(index.inventories.byMake); got != 2 {
		t.Errorf("%d inventories are kept, want 2", got)
	}
}

// Nodes of two cliques have one inventory, and are told apart all the same.
func TestCliqueOf(t *testing.T) {
	source := &Source{}
	source.ledger = newClaimLedger(nil, nil, &source.pools)
	source.ledger.allocated = allocatedByPool{}
	var published []*resourceapi.ResourceSlice
	for _, node := range []string{"a", "b", "c"} {
		gpu := gpuDevice(0, "24Gi", "A")
		if clique := "clique-" + node; node != "c" {
			gpu.Attributes[deviceapi.NVLinkClique] = resourceapi.DeviceAttribute{StringValue: &clique}
		}
		published = append(published, sliceOf(node, gpu))
	}
	source.pools.updatePools(published)
	snapshot := &NodeSnapshot{source: source}
	snapshot.update()
	for node, want := range map[string]string{"a": "clique-a", "b": "clique-b", "c": ""} {
		if i, _ := snapshot.NumberOf(node); snapshot.CliqueOf(i) != want {
			t.Errorf("node %s is in clique %q, want %q", node, snapshot.CliqueOf(i), want)
		}
	}
	if len(source.pools.inventories.byMake) != 1 {
		t.Errorf("%d inventories, want one for all", len(source.pools.inventories.byMake))
	}
}

// Whatever makes a pool invalid, all of its slices reach the in-tree code.
func TestInvalidPoolsPassThrough(t *testing.T) {
	one := map[string]resourceapi.Counter{"gpu": {Value: resource.MustParse("1")}}
	for name, change := range map[string]func(devices, counters *resourceapi.ResourceSliceSpec){
		"device published twice": func(devices, _ *resourceapi.ResourceSliceSpec) {
			devices.Devices = append(devices.Devices, devices.Devices[0])
		},
		"unknown counter set": func(devices, _ *resourceapi.ResourceSliceSpec) {
			devices.Devices[0].ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: "none", Counters: one}}
		},
		"unknown counter": func(_, counters *resourceapi.ResourceSliceSpec) { counters.SharedCounters[0].Counters = nil },
		"counter set published twice": func(_, counters *resourceapi.ResourceSliceSpec) {
			counters.SharedCounters = append(counters.SharedCounters, counters.SharedCounters[0])
		},
		"incomplete":          func(devices, _ *resourceapi.ResourceSliceSpec) { devices.Pool.ResourceSliceCount = 3 },
		"not local to a node": func(devices, _ *resourceapi.ResourceSliceSpec) { devices.NodeName = nil },
		"of two nodes":        func(devices, _ *resourceapi.ResourceSliceSpec) { other := "other"; devices.NodeName = &other },
	} {
		t.Run(name, func(t *testing.T) {
			devices, counters := sliceOf("node", unknownDevice("gpu-0")), sliceOf("node")
			devices.Name, counters.Name = "devices", "counters"
			devices.Spec.Devices[0].ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: "set", Counters: one}}
			counters.Spec.SharedCounters = []resourceapi.CounterSet{{Name: "set", Counters: one}}
			devices.Spec.Pool.ResourceSliceCount, counters.Spec.Pool.ResourceSliceCount = 2, 2
			if before := indexOf(devices, counters); before.unmanagedPools != 0 {
				t.Fatal("the pool is not sound before it is changed")
			}
			change(&devices.Spec, &counters.Spec)
			after := indexOf(devices, counters)
			if diff := cmp.Diff([]*resourceapi.ResourceSlice{counters, devices}, after.placeholders); diff != "" || after.unmanagedPools != 1 {
				t.Errorf("%d pools pass through, slices (-want +got):\n%s", after.unmanagedPools, diff)
			}
		})
	}
}
