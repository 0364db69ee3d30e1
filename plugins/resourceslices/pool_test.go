package resourceslices

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// twoSlices are a pool of a device slice and a counter slice, after a change.
func twoSlices(change func(devices, counters *resourceapi.ResourceSliceSpec)) []*resourceapi.ResourceSlice {
	node := "node"
	one := map[string]resourceapi.Counter{"gpu": {Value: resource.MustParse("1")}}
	spec := func() resourceapi.ResourceSliceSpec {
		return resourceapi.ResourceSliceSpec{
			Driver: deviceapi.Driver, NodeName: &node, Pool: resourceapi.ResourcePool{Name: node, ResourceSliceCount: 2},
		}
	}
	devices, counters := &resourceapi.ResourceSlice{Spec: spec()}, &resourceapi.ResourceSlice{Spec: spec()}
	devices.Name, counters.Name = "devices", "counters"
	devices.Spec.Devices = []resourceapi.Device{
		{Name: "gpu-0", ConsumesCounters: []resourceapi.DeviceCounterConsumption{{CounterSet: "set", Counters: one}}},
	}
	counters.Spec.SharedCounters = []resourceapi.CounterSet{{Name: "set", Counters: one}}
	if change != nil {
		change(&devices.Spec, &counters.Spec)
	}
	return []*resourceapi.ResourceSlice{devices, counters}
}

func newestOf(t *testing.T, published []*resourceapi.ResourceSlice) *Pool {
	t.Helper()
	groups := GroupByPool(published)
	if len(groups) != 1 {
		t.Fatalf("%d pools, want 1", len(groups))
	}
	for key, group := range groups {
		return NewestGeneration(key, group)
	}
	return nil
}

// Devices are chosen from a pool only if the in-tree code would take it as it is.
func TestAllocatable(t *testing.T) {
	one := map[string]resourceapi.Counter{"gpu": {Value: resource.MustParse("1")}}
	for name, tc := range map[string]struct {
		change func(devices, counters *resourceapi.ResourceSliceSpec)
		want   string
	}{
		"sound": {},
		"device published twice": {func(devices, _ *resourceapi.ResourceSliceSpec) {
			devices.Devices = append(devices.Devices, devices.Devices[0])
		}, "device gpu-0 is published twice"},
		"unknown counter set": {func(devices, _ *resourceapi.ResourceSliceSpec) {
			devices.Devices[0].ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: "none", Counters: one}}
		}, "device gpu-0 consumes counter gpu of set none, which is not published"},
		"unknown counter": {func(_, counters *resourceapi.ResourceSliceSpec) {
			counters.SharedCounters[0].Counters = nil
		}, "device gpu-0 consumes counter gpu of set set, which is not published"},
		"counter set published twice": {func(_, counters *resourceapi.ResourceSliceSpec) {
			counters.SharedCounters = append(counters.SharedCounters, counters.SharedCounters[0])
		}, "counter set set is published twice"},
		"incomplete": {func(devices, _ *resourceapi.ResourceSliceSpec) {
			devices.Pool.ResourceSliceCount = 3
		}, "2 slices are published, slice devices says 3"},
		"not local to a node": {func(_, counters *resourceapi.ResourceSliceSpec) { counters.NodeName = nil }, "the pool is not local to a node"},
		"half local to a node": {
			func(devices, _ *resourceapi.ResourceSliceSpec) { devices.NodeName = nil }, "the pool is of node node and of every node",
		},
		"of two nodes": {func(devices, _ *resourceapi.ResourceSliceSpec) {
			other := "other"
			devices.NodeName = &other
		}, "the pool is of node node and of other"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newestOf(t, twoSlices(tc.change)).Allocatable()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// An allocation is named by the newest generation, however little of it is there.
func TestNewestGeneration(t *testing.T) {
	published := twoSlices(func(devices, _ *resourceapi.ResourceSliceSpec) { devices.Pool.Generation = 2 })
	pool := newestOf(t, published)
	if diff := cmp.Diff(published[:1], pool.Slices); diff != "" || pool.Node != "node" || pool.Generation != 2 || len(pool.Counters) != 0 {
		t.Errorf("node %q, generation %d, %d counter sets, slices (-want +got):\n%s", pool.Node, pool.Generation, len(pool.Counters), diff)
	}
	if err := pool.Allocatable(); err == nil {
		t.Error("half of the newest generation is published, and yet it is allocatable")
	}
}

func TestFindQualified(t *testing.T) {
	values := map[resourceapi.QualifiedName]int{"memory": 1, "gpu.example.com/cores": 2, "other.example.com/memory": 3}
	for name, want := range map[resourceapi.QualifiedName]int{
		"memory": 1, "gpu.example.com/memory": 1, "cores": 2, "gpu.example.com/cores": 2,
		"other.example.com/memory": 3, "other.example.com/cores": 0, "colour": 0,
	} {
		if got, found := FindQualified(values, "gpu.example.com", name); got != want || found != (want > 0) {
			t.Errorf("%s: %d (%t), want %d", name, got, found, want)
		}
	}
}
