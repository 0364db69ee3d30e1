package dra

import (
	"context"
	"fmt"
	"iter"
	"slices"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// View is the GPUs of a node as the pod of a cycle sees them.
type View struct {
	cycle    *Cycle
	pool     *Pool
	provided map[v1.ResourceName]int64
}

var _ nodeview.View = &View{}

// Node is the node's name.
func (v *View) Node() string { return v.pool.Node }

// DriverName is the name of the driver that publishes the GPUs.
func (v *View) DriverName() string { return v.pool.Driver }

// Inventory implements nodeview.View.
func (v *View) Inventory() *placement.Inventory { return v.pool.gpus.inventory }

// GPUs implements nodeview.View.
func (v *View) GPUs() placement.GPUStates { return v.cycle.allocated.gpuStates(v.pool) }

// State implements nodeview.View. Holders are UIDs of claims.
func (v *View) State() (*placement.NodeState, error) {
	claims, err := v.cycle.claims.claimsOf(v.pool.PoolKey, v.cycle.source.manager.ResourceClaims())
	if err != nil {
		return nil, fmt.Errorf("reading who holds devices of pool %s: %w", v.pool.PoolKey.Pool, err)
	}
	return v.cycle.allocated.nodeState(v.pool, claims), nil
}

// AnyInUse reports whether anything of the pool is allocated, understood or not.
func (v *View) AnyInUse() bool { return len(v.cycle.allocated.ofPool(v.pool).inUse) > 0 }

// Requests implements nodeview.View.
func (v *View) Requests(ctx context.Context) iter.Seq[*placement.Request] {
	if v.cycle.request.unsupportedReason != "" {
		return func(func(*placement.Request) bool) {}
	}
	return v.pool.requestsOn(ctx, v.cycle.source.expressions, v.cycle.request, v.provided)
}

// DecidedHere implements nodeview.View. Devices of the pool that are not understood are
// outside the view.
func (v *View) DecidedHere(ctx context.Context) bool {
	source := v.cycle.source
	if source.pools.unmanagedPools > 0 {
		return false // not looked into
	}
	return !v.satisfiableByOtherDevices(ctx) && ctx.Err() == nil
}

// satisfiableByOtherDevices reports whether devices of the node that are not viewed could
// serve any of what the pod asks for.
func (v *View) satisfiableByOtherDevices(ctx context.Context) bool {
	source := v.cycle.source
	for i := range v.cycle.request.requests {
		for j := range v.cycle.request.requests[i].alternatives {
			selectors := v.cycle.request.requests[i].alternatives[j].selectors
			for _, other := range source.pools.byNode[v.pool.Node] {
				if other == v.pool && len(v.pool.gpus.unsupported) == 0 {
					continue
				}
				matched := other.matchSelectors(ctx, source.expressions, selectors).devices
				if other != v.pool && !matched.Empty() || other == v.pool && slices.ContainsFunc(v.pool.gpus.unsupported, matched.Has) {
					return true
				}
			}
		}
	}
	return false
}

// WhyTooSmall says why no device that a request of the pod matches is large enough for
// its model server; "" if one is, or if that is not what is in the way.
func (v *View) WhyTooSmall(ctx context.Context) string {
	return v.pool.whyTooSmall(ctx, v.cycle.source.expressions, v.cycle.request)
}

// ShowChosen shows the in-tree plugin the chosen devices, and those in use.
func (v *View) ShowChosen(chosen []placement.DeviceAllocation) {
	devices := make([]int, len(chosen))
	for i, device := range chosen {
		devices[i] = v.pool.gpus.published[device.Device]
	}
	v.pool.showOnly(devices, v.cycle.allocated.ofPool(v.pool).inUse)
}

// ShowLargeEnough shows the in-tree plugin the devices on which the pod's model server
// may run, and those in use, whose counters must stay accounted for. It reports whether
// the pod could be served by any of them.
func (v *View) ShowLargeEnough(ctx context.Context) bool {
	server := v.cycle.request.server
	if server == nil {
		v.pool.showAll()
		return true
	}
	large, understood := v.pool.largeEnough(server)
	v.pool.showOnly(large, v.cycle.allocated.ofPool(v.pool).inUse)
	return understood || len(large) > 0 && v.satisfiableByOtherDevices(ctx)
}

// OnlyPool reports whether the view is all that the node's drivers publish.
func (v *View) OnlyPool() bool {
	return len(v.cycle.source.pools.byNode[v.pool.Node]) == 1 && len(v.pool.gpus.unsupported) == 0
}

// ProfileName is the MIG profile of a device of the inventory, "" for others.
func (v *View) ProfileName(device int) string {
	return resourceslices.ProfileName(v.pool.Driver, v.pool.publishedDevice(device).Device)
}
