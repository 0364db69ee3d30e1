package dra

import (
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A scheduler that knows nothing of this one may give away a device whose GPU somebody has already. More
// is then consumed of a counter than there is. The in-tree code takes that for a pool in which no counter
// has anything left, so that nothing of the whole node can be allocated any more but shares of the very
// device that was given away twice: these are not counted again. It is shown such a counter as used up,
// and such a device as one that is not shared.

// overdrawnCounters is what the in-tree code is shown of a pool's counters where some are overdrawn.
type overdrawnCounters struct {
	counters []resourceapi.CounterSet
	// sets are the overdrawn ones, by name.
	sets map[string]bool
}

// findOverdrawn is nil if no counter of the pool is overdrawn.
func (p *Pool) findOverdrawn(of *poolAllocation) *overdrawnCounters {
	if len(p.Counters) == 0 || p.gpus == nil || p.allFit(of) {
		return nil
	}
	consumed := map[string]map[string]resource.Quantity{}
	for _, at := range of.inUse {
		for _, consumption := range p.Devices[at].ConsumesCounters {
			if consumed[consumption.CounterSet] == nil {
				consumed[consumption.CounterSet] = map[string]resource.Quantity{}
			}
			for name, counter := range consumption.Counters {
				sum := consumed[consumption.CounterSet][name]
				sum.Add(counter.Value)
				consumed[consumption.CounterSet][name] = sum
			}
		}
	}
	var found *overdrawnCounters
	for i := range p.Counters {
		set := &p.Counters[i]
		for name, sum := range consumed[set.Name] {
			if counter, known := set.Counters[name]; !known || sum.Cmp(counter.Value) <= 0 {
				continue
			}
			if found == nil {
				found = &overdrawnCounters{slices.Clone(p.Counters), map[string]bool{}}
			}
			if !found.sets[set.Name] {
				found.sets[set.Name] = true
				found.counters[i].Counters = maps.Clone(set.Counters)
			}
			found.counters[i].Counters[name] = resourceapi.Counter{Value: sum}
		}
	}
	return found
}

// allFit reports whether all that is allocated of a pool is understood and fits beside the rest, so that
// no counter can be overdrawn.
func (p *Pool) allFit(of *poolAllocation) bool {
	if len(of.devices) != len(of.inUse) {
		return false
	}
	state := placement.NewGPUStates(p.gpus.inventory)
	for _, device := range of.devices {
		if p.gpus.inventory.TakeDevice(state, device.Device, device.ShareSize) != nil {
			return false
		}
	}
	return true
}

// shownCounters are the pool's counters as the in-tree code is shown them.
func (a *poolAllocation) shownCounters(p *Pool) []resourceapi.CounterSet {
	if a.overdrawn != nil {
		return a.overdrawn.counters
	}
	return p.Counters
}

// shownDevice is a device of the pool as the in-tree code is shown it.
func (a *poolAllocation) shownDevice(p *Pool, at int) resourceapi.Device {
	device := p.Devices[at]
	if a.overdrawn == nil || device.AllowMultipleAllocations == nil {
		return device
	}
	for _, consumption := range device.ConsumesCounters {
		if a.overdrawn.sets[consumption.CounterSet] {
			device.AllowMultipleAllocations = nil // of a copy
		}
	}
	return device
}
