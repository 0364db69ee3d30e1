package dra

import (
	"testing"

	"github.com/stretchr/testify/require"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// A pool that the in-tree code would find invalid passes through to it as it is:
// hiding the device that is wrong must not make the rest allocatable.
func TestInvalidPoolsPassThrough(t *testing.T) {
	node := "node"
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
			spec := func() resourceapi.ResourceSliceSpec {
				return resourceapi.ResourceSliceSpec{Driver: deviceapi.Driver, NodeName: &node, Pool: resourceapi.ResourcePool{Name: node, ResourceSliceCount: 2}}
			}
			devices, counters := &resourceapi.ResourceSlice{Spec: spec()}, &resourceapi.ResourceSlice{Spec: spec()}
			devices.Name, counters.Name = "devices", "counters"
			devices.Spec.Devices = []resourceapi.Device{{Name: "gpu-0", ConsumesCounters: []resourceapi.DeviceCounterConsumption{{CounterSet: "set", Counters: one}}}}
			counters.Spec.SharedCounters = []resourceapi.CounterSet{{Name: "set", Counters: one}}

			var before poolIndex
			before.updatePools([]*resourceapi.ResourceSlice{devices, counters})
			require.Zero(t, before.unmanagedPools, "the pool is sound before it is changed")

			change(&devices.Spec, &counters.Spec)
			var after poolIndex
			after.updatePools([]*resourceapi.ResourceSlice{devices, counters})
			require.Equal(t, 1, after.unmanagedPools)
			require.ElementsMatch(t, []*resourceapi.ResourceSlice{devices, counters}, after.placeholders)
		})
	}
}
