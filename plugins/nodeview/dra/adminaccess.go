package dra

import (
	"context"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"
)

// Administrators look at devices that others hold, and take nothing. The in-tree code agrees
// but for counters: it wants those of a device to be left, which they are not while the
// device, or another on the same GPU, is in use (kubernetes/kubernetes issue 140729). What
// it is shown for a pod with admin access therefore has counters only where a request of
// the pod takes something.

// onlyLookedAt reports whether a request with admin access accepts a device and no other
// request of the pod does.
func (c *Cycle) onlyLookedAt(ctx context.Context, p *Pool, device int) bool {
	accepted := func(adminAccess bool) bool {
		return c.request.anyAlternative(func(sub *subRequest) bool {
			return sub.adminAccess == adminAccess && p.acceptsDevice(ctx, c.source, sub, device)
		})
	}
	return accepted(true) && !accepted(false)
}

// withoutCounters takes the counters from devices in use and from those that are only looked
// at. What the former consume is taken from what there is of each counter. shown[i] is the
// device at index order[i] of the pool.
func (c *Cycle) withoutCounters(
	ctx context.Context, p *Pool, shown []resourceapi.Device, order, inUse []int,
) ([]resourceapi.Device, []resourceapi.CounterSet) {
	of := c.allocated.ofPool(p)
	counters := of.shownCounters(p)
	left := make([]resourceapi.CounterSet, len(counters))
	set := map[string]int{}
	for i := range counters {
		left[i] = resourceapi.CounterSet{Name: counters[i].Name, Counters: maps.Clone(counters[i].Counters)}
		set[left[i].Name] = i
	}
	for i, at := range order {
		used := slices.Contains(inUse, at)
		if !used && !c.onlyLookedAt(ctx, p, at) {
			continue
		}
		if used {
			for _, consumption := range shown[i].ConsumesCounters {
				counters := left[set[consumption.CounterSet]].Counters
				for name, counter := range consumption.Counters {
					rest := counters[name].Value.DeepCopy()
					rest.Sub(counter.Value)
					counters[name] = resourceapi.Counter{Value: rest}
				}
			}
		}
		shown[i].ConsumesCounters = nil // of a copy
	}
	return shown, left
}

// isAllocated reports whether somebody holds a device, or a share of it.
func (c *Cycle) isAllocated(id structured.DeviceID) bool {
	_, shared := c.state.AggregatedCapacity[id]
	return shared || c.state.AllocatedDevices.Has(id)
}
