package deviceplacement

import (
	"cmp"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// pool is a node-local resource pool: all devices that one driver publishes for
// one node, in the order in which in-tree allocation tries them.
type pool struct {
	driver, name, node string
	devices            []resourceapi.Device
	ids                []structured.DeviceID
	counters           []resourceapi.CounterSet
	generation         int64
	// sources are the published slices of the current generation.
	sources []*resourceapi.ResourceSlice

	matches matchCache

	// gpus is nil if the devices are not GPUs that this plugin understands.
	gpus *gpuPool

	// deviceSlice and counterSlice are what the in-tree allocator sees. PreFilter
	// hands them over empty; Filter fills those of its own node, so that no two
	// goroutines write the same one.
	deviceSlice, counterSlice *resourceapi.ResourceSlice
	buffer                    []resourceapi.Device
}

type poolKey struct{ driver, pool string }

// newPool returns nil for a pool whose devices cannot be rearranged: one that is
// not local to a node, not completely published yet, or invalid. What is wrong with
// a hidden device would otherwise go unnoticed by the in-tree checks.
func newPool(key poolKey, published []*resourceapi.ResourceSlice) *pool {
	generation := slices.MaxFunc(published, func(a, b *resourceapi.ResourceSlice) int {
		return cmp.Compare(a.Spec.Pool.Generation, b.Spec.Pool.Generation)
	}).Spec.Pool.Generation
	p := &pool{driver: key.driver, name: key.pool, generation: generation}
	for _, slice := range published {
		node := ptr.Deref(slice.Spec.NodeName, "")
		if node == "" || p.node != "" && p.node != node {
			return nil
		}
		p.node = node
		if slice.Spec.Pool.Generation == generation {
			p.sources = append(p.sources, slice)
		}
	}
	for _, slice := range p.sources {
		if slice.Spec.Pool.ResourceSliceCount != int64(len(p.sources)) {
			return nil
		}
		p.devices = append(p.devices, slice.Spec.Devices...)
		p.counters = append(p.counters, slice.Spec.SharedCounters...)
	}
	if !p.valid() {
		return nil
	}
	for i := range p.devices {
		p.ids = append(p.ids, structured.MakeDeviceID(key.driver, key.pool, p.devices[i].Name))
	}
	count := int64(1)
	if len(p.counters) > 0 {
		count = 2
		p.counterSlice = p.placeholder("counters", count)
	}
	p.deviceSlice = p.placeholder("devices", count)
	p.buffer = make([]resourceapi.Device, 0, len(p.devices))
	return p
}

// valid checks what the in-tree code checks of a pool: that names are unique and
// that every counter a device consumes exists.
func (p *pool) valid() bool {
	sets := make(map[string]map[string]resourceapi.Counter, len(p.counters))
	for _, set := range p.counters {
		if _, twice := sets[set.Name]; twice {
			return false
		}
		sets[set.Name] = set.Counters
	}
	names := make(map[string]bool, len(p.devices))
	for i := range p.devices {
		d := &p.devices[i]
		if names[d.Name] {
			return false
		}
		names[d.Name] = true
		for _, consumption := range d.ConsumesCounters {
			for name := range consumption.Counters {
				if _, exists := sets[consumption.CounterSet][name]; !exists {
					return false
				}
			}
		}
	}
	return true
}

func (p *pool) placeholder(name string, count int64) *resourceapi.ResourceSlice {
	slice := &resourceapi.ResourceSlice{}
	slice.Name = name
	slice.Spec = resourceapi.ResourceSliceSpec{
		Driver:   p.driver,
		NodeName: ptr.To(p.node),
		Pool:     resourceapi.ResourcePool{Name: p.name, Generation: p.generation, ResourceSliceCount: count},
	}
	return slice
}

// empty makes the placeholders cheap to hand over: they are filled when a node is
// asked about.
func (p *pool) empty() {
	p.deviceSlice.Spec.Devices = nil
	if p.counterSlice != nil {
		p.counterSlice.Spec.SharedCounters = nil
	}
}

// showAll fills the placeholders with every device, in published order.
func (p *pool) showAll() {
	p.show(p.devices)
}

// showOnly fills the placeholders with the chosen devices, in that order, and
// hides the others except for those in use: their counters must stay accounted for.
func (p *pool) showOnly(chosen []int, inUse []placement.DeviceAllocation) {
	devices := p.buffer[:0]
	for at, i := range chosen {
		if !slices.Contains(chosen[:at], i) { // several shares may be on one device
			devices = append(devices, p.devices[i])
		}
	}
	for _, grant := range inUse {
		if !slices.Contains(chosen, grant.Device) {
			devices = append(devices, p.devices[grant.Device])
		}
	}
	p.buffer = devices
	p.show(devices)
}

func (p *pool) show(devices []resourceapi.Device) {
	p.deviceSlice.Spec.Devices = devices
	if p.counterSlice != nil {
		p.counterSlice.Spec.SharedCounters = p.counters
	}
}
