package dra

import (
	"slices"

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
	buffer   []resourceapi.Device
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
	shown := poolPlaceholder{buffer: make([]resourceapi.Device, 0, len(p.Devices))}
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

// showAll fills the placeholders with every device, in published order.
func (p *Pool) showAll() { p.showDevices(p.Devices) }

// showOnly fills the placeholders with the chosen devices, in that order, and hides the
// others except for those in use: their counters must stay accounted for. Both are
// indexes into the pool's devices.
func (p *Pool) showOnly(chosen, inUse []int) {
	devices := p.placeholder.buffer[:0]
	for at, i := range chosen {
		if !slices.Contains(chosen[:at], i) { // several shares may be on one device
			devices = append(devices, p.Devices[i])
		}
	}
	for _, i := range inUse {
		if !slices.Contains(chosen, i) {
			devices = append(devices, p.Devices[i])
		}
	}
	p.placeholder.buffer = devices
	p.showDevices(devices)
}

func (p *Pool) showDevices(devices []resourceapi.Device) {
	p.placeholder.devices.Spec.Devices = devices
	if p.placeholder.counters != nil {
		p.placeholder.counters.Spec.SharedCounters = p.Counters
	}
}
