package dra

import (
	"context"
	"maps"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// ShowOthers shows the in-tree plugin the devices of a node's pools of which none is viewed.
func (c *Cycle) ShowOthers(ctx context.Context, node string) {
	for _, p := range c.source.pools.byNode[node] {
		c.showPool(ctx, p, nil, nil)
	}
}

// ShowChosen shows the in-tree plugin the chosen devices, and what it needs beside them:
// devices in use, whose counters must stay accounted for, devices for requests that the
// view does not serve, and devices for administrators to look at.
func (v *View) ShowChosen(ctx context.Context, chosen []placement.DeviceAllocation) {
	var devices []int
	for _, device := range chosen {
		if at := v.pool.gpus.published[device.Device]; !slices.Contains(devices, at) { // several shares may be on one device
			devices = append(devices, at)
		}
	}
	taken := v.twinsOf(devices)
	own := devices
	for _, at := range v.pool.gpus.unsupported {
		if v.othersMayTake(ctx, at) {
			own = append(own, at)
		}
	}
	v.cycle.showPool(ctx, v.pool, own, taken)
	for _, p := range v.cycle.source.pools.byNode[v.pool.Node] {
		if p != v.pool {
			v.cycle.showPool(ctx, p, v.nearestFirst(ctx, p, chosen), taken)
		}
	}
}

// othersMayTake reports whether a request that the view does not serve accepts a device of
// the view's pool.
func (v *View) othersMayTake(ctx context.Context, device int) bool {
	return v.cycle.request.anyAlternative(func(sub *subRequest) bool {
		return !sub.adminAccess && v.servedByOthers(ctx, sub) && v.pool.acceptsDevice(ctx, v.cycle.source, sub, device)
	})
}

// ShowLargeEnough shows the in-tree plugin the devices on which the pod's model server
// may run, and those in use. It reports whether the pod could be served by any of them. Where
// another driver publishes GPUs of the view too, they are shown once.
func (v *View) ShowLargeEnough(ctx context.Context) bool {
	devices, understood := allOf(v.pool), true
	if server := v.cycle.request.server; server != nil {
		devices, understood = v.pool.largeEnough(server)
	}
	taken := map[twinDevice]bool{}
	if v.cycle.request.anyAlternative(func(sub *subRequest) bool { return !sub.adminAccess && !v.servedByOthers(ctx, sub) }) {
		taken = v.twinsOf(devices)
		maps.DeleteFunc(taken, func(twin twinDevice, _ bool) bool { return twin.pool == v.pool })
	}
	v.cycle.showPool(ctx, v.pool, devices, taken)
	for _, p := range v.cycle.source.pools.byNode[v.pool.Node] {
		if p != v.pool {
			v.cycle.showPool(ctx, p, nil, taken)
		}
	}
	return understood || len(devices) > 0 && v.satisfiableByOtherDevices(ctx)
}

// twinsOf are the devices on the same GPUs as some of the view's pool, published otherwise.
func (v *View) twinsOf(devices []int) map[twinDevice]bool {
	taken := map[twinDevice]bool{}
	for _, at := range devices {
		if twin := v.cycle.source.pools.twins.twinsOf(v.pool, at); twin != nil {
			twin.eachTwin(v.pool, at, func(other twinDevice, _ string) { taken[other] = true })
		}
	}
	return taken
}

// allOf are the devices of a pool, in published order.
func allOf(p *Pool) []int {
	all := make([]int, len(p.Devices))
	for i := range all {
		all[i] = i
	}
	return all
}

// acceptsDevice reports whether a sub-request's selectors accept a device of the pool.
func (p *Pool) acceptsDevice(ctx context.Context, s *Source, sub *subRequest, device int) bool {
	return p.matchSelectors(ctx, s.expressions, sub.selectors).devices.Has(device)
}

// anyAlternative reports whether f holds for some alternative of a request.
func (r *PodRequest) anyAlternative(f func(*subRequest) bool) bool {
	for i := range r.requests {
		for j := range r.requests[i].alternatives {
			if f(&r.requests[i].alternatives[j]) {
				return true
			}
		}
	}
	return false
}

// hasAdminAccess reports whether the pod looks at devices that others may hold.
func (r *PodRequest) hasAdminAccess() bool {
	return r.anyAlternative(func(sub *subRequest) bool { return sub.adminAccess })
}

// allLargeEnough are the devices of a pool that is not viewed on which the pod's model server
// may run, nil if that is all of them.
func (c *Cycle) allLargeEnough(p *Pool) []int {
	if c.request.server == nil || p.gpus == nil {
		return nil
	}
	devices, _ := p.largeEnough(c.request.server)
	if len(devices) == len(p.Devices) {
		return nil
	}
	return append([]int{}, devices...)
}

// showPool fills a pool's placeholders with devices, in that order, and those in use; nil stands
// for all devices, but for GPUs on which the pod's model server could not run. Those whose GPU is
// held or taken through another driver are left out, and what was given away twice is used up.
func (c *Cycle) showPool(ctx context.Context, p *Pool, devices []int, taken map[twinDevice]bool) {
	if devices == nil {
		devices = c.allLargeEnough(p)
	}
	if devices == nil {
		of := c.allocated.ofPool(p)
		changed := len(of.twinHeld) > 0 || of.overdrawn != nil || c.request.hasAdminAccess()
		for twin := range taken {
			changed = changed || twin.pool == p
		}
		if !changed {
			p.showDevices(p.Devices, p.Counters)
			return
		}
		devices = allOf(p)
	}
	shown, counters := c.visibleDevices(ctx, p, devices, taken, p.placeholder.buffer)
	p.placeholder.buffer = shown
	p.showDevices(shown, counters)
}

// visibleSlices are slices with what the in-tree code may see of a pool, beside the pool's
// placeholders, which others may be using.
func (c *Cycle) visibleSlices(ctx context.Context, p *Pool) []*resourceapi.ResourceSlice {
	alone := &Pool{Pool: p.Pool, placeholder: newPlaceholder(p.Pool)}
	devices, counters := c.visibleDevices(ctx, p, allOf(p), nil, alone.placeholder.buffer)
	alone.showDevices(devices, counters)
	if alone.placeholder.counters == nil {
		return []*resourceapi.ResourceSlice{alone.placeholder.devices}
	}
	return []*resourceapi.ResourceSlice{alone.placeholder.devices, alone.placeholder.counters}
}

// visibleDevices are what the in-tree code may see of a pool; see showPool.
func (c *Cycle) visibleDevices(
	ctx context.Context, p *Pool, devices []int, taken map[twinDevice]bool, buffer []resourceapi.Device,
) ([]resourceapi.Device, []resourceapi.CounterSet) {
	of := c.allocated.ofPool(p)
	admin := c.request.hasAdminAccess()
	inUse := of.inUse
	if p.gpus == nil { // what is in use of other pools is not noted
		inUse = nil
		for i, id := range p.deviceNames() {
			if c.isAllocated(id) {
				inUse = append(inUse, i)
			}
		}
	}
	shown := buffer[:0]
	var order []int
	add := func(i int) {
		order = append(order, i)
		shown = append(shown, of.shownDevice(p, i))
	}
	for _, i := range devices {
		gone := of.twinHeld[i] || taken[twinDevice{p, i}]
		if !gone || slices.Contains(inUse, i) || admin && c.onlyLookedAt(ctx, p, i) {
			add(i)
		}
	}
	for _, i := range inUse {
		if !slices.Contains(devices, i) {
			add(i)
		}
	}
	if !admin {
		return shown, of.shownCounters(p)
	}
	for i := range p.Devices {
		if !slices.Contains(order, i) && c.onlyLookedAt(ctx, p, i) {
			add(i)
		}
	}
	return c.withoutCounters(ctx, p, shown, order, inUse)
}
