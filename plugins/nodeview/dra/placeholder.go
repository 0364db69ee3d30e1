package dra

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// poolPlaceholder is what the in-tree allocator sees of a pool. It is handed over empty when
// a cycle begins; what is shown of a node's pools is filled in before the in-tree code
// looks at that node, so that no two goroutines write the same one.
type poolPlaceholder struct {
	devices *resourceapi.ResourceSlice
	// counters is nil for a pool without shared counters.
	counters *resourceapi.ResourceSlice
	buffer   []resourceapi.Device // nil before anything is left out of what is shown
}

func newPlaceholder(p *resourceslices.Pool) poolPlaceholder {
	slice := func(name string, count int64) *resourceapi.ResourceSlice {
		slice := &resourceapi.ResourceSlice{}
		slice.Name = name
		slice.Spec = resourceapi.ResourceSliceSpec{
			Driver:   p.Driver,
			NodeName: ptr.To(p.Node),
			Pool:     resourceapi.ResourcePool{Name: p.Pool, Generation: p.Generation, ResourceSliceCount: count},
		}
		return slice
	}
	shown := poolPlaceholder{}
	if len(p.Counters) == 0 {
		shown.devices = slice("devices", 1)
		return shown
	}
	shown.devices, shown.counters = slice("devices", 2), slice("counters", 2)
	return shown
}

// hideDevices makes the placeholders cheap to hand over: they are filled when a node is
// asked about.
func (p *Pool) hideDevices() {
	p.placeholder.devices.Spec.Devices = nil
	if p.placeholder.counters != nil {
		p.placeholder.counters.Spec.SharedCounters = nil
	}
}

// showDevices fills the placeholders.
func (p *Pool) showDevices(devices []resourceapi.Device, counters []resourceapi.CounterSet) {
	p.placeholder.devices.Spec.Devices = devices
	if p.placeholder.counters != nil {
		p.placeholder.counters.Spec.SharedCounters = counters
	}
}
