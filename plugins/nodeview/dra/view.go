package dra

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// View is the GPUs of a node as the pod of a cycle sees them.
type View struct {
	cycle    *Cycle
	pool     *Pool
	provided map[v1.ResourceName]int64

	// Found out when first asked for: see listOthers and servedByOthers.
	otherDevices []otherDevices
	othersKnown  bool
	forOthers    map[*subRequest]bool
}

var _ nodeview.View = &View{}

// Node is the node's name.
func (v *View) Node() string { return v.pool.Node }

// DriverName is the name of the driver that publishes the GPUs.
func (v *View) DriverName() string { return v.pool.Driver }

// Inventory implements nodeview.View.
func (v *View) Inventory() *placement.Inventory { return v.pool.gpus.inventory }

// GPUs implements nodeview.View.
func (v *View) GPUs() placement.GPUStates {
	gpus := v.cycle.allocated.gpuStates(v.pool)
	v.fillUsedUp(gpus, func(device placement.DeviceAllocation) {
		v.pool.gpus.inventory.HoldDevice(gpus, device.Device, device.ShareSize)
	})
	return gpus
}

// State implements nodeview.View. Holders are UIDs of claims.
func (v *View) State() (*placement.NodeState, error) {
	claimsOf := func(p *Pool) ([]*resourceapi.ResourceClaim, error) {
		claims, err := v.cycle.claims.claimsOf(p.PoolKey, v.cycle.source.manager.ResourceClaims())
		if err != nil {
			return nil, fmt.Errorf("reading who holds devices of pool %s: %w", p.PoolKey.Pool, err)
		}
		return claims, nil
	}
	claims, err := claimsOf(v.pool)
	if err != nil {
		return nil, err
	}
	state := v.cycle.allocated.nodeState(v.pool, claims)
	v.fillUsedUp(state.GPUs(), func(device placement.DeviceAllocation) {
		full := placement.Allocation{Devices: []placement.DeviceAllocation{device}}
		if holders := state.HoldersOf(1 << v.pool.gpus.inventory.Devices[device.Device].GPU); len(holders) > 0 {
			full.Holder = holders[0]
		}
		state.RecordAllocation(full)
	})
	return state, v.addTwinHolders(state, claimsOf)
}

// AnyInUse reports whether anything of the pool is allocated, understood or not, or held
// through another driver.
func (v *View) AnyInUse() bool {
	of := v.cycle.allocated.ofPool(v.pool)
	return len(of.inUse) > 0 || len(of.twinHeld) > 0
}

// DevicesOf are the devices of the view that claims are allocated, one part for each
// request.
func (v *View) DevicesOf(claims []*resourceapi.ResourceClaim) []placement.DeviceAllocation {
	return v.pool.devicesOf(claims)
}

// ForPod is the view of the same GPUs with another pod's request.
func (v *View) ForPod(request *PodRequest) *View {
	return &View{cycle: v.cycle.ForPod(request), pool: v.pool, provided: v.provided}
}

// SamePool reports whether both views are of the same driver's GPUs.
func (v *View) SamePool(other *View) bool { return v.pool == other.pool }

// UnsupportedReason says why GPUs are not chosen for the pod on this node, "" if they are.
func (v *View) UnsupportedReason(ctx context.Context) string {
	reason := v.cycle.request.unsupportedReason
	v.cycle.request.anyAlternative(func(sub *subRequest) bool {
		if reason == "" && !sub.adminAccess && sub.unsupportedReason != "" && !v.servedByOthers(ctx, sub) {
			reason = sub.unsupportedReason
		}
		return reason != ""
	})
	return reason
}

// DecidedHere implements nodeview.View. Requests that others serve can only be in the way of
// the pod, and never make it fit. A MIG device that may be shared further makes it fit.
func (v *View) DecidedHere(ctx context.Context) bool {
	return v.UnsupportedReason(ctx) == "" && !v.satisfiableByOtherDevices(ctx) && !v.sharedFurther(ctx) && ctx.Err() == nil
}

// satisfiableByOtherDevices reports whether devices that are not viewed could serve a
// request that the view might serve.
func (v *View) satisfiableByOtherDevices(ctx context.Context) bool {
	return v.cycle.request.anyAlternative(func(sub *subRequest) bool {
		return !sub.adminAccess && !v.servedByOthers(ctx, sub) && v.othersMatch(ctx, sub)
	})
}

// WhyTooSmall says why no device that a request of the pod matches is large enough for
// its model server; "" if one is, or if that is not what is in the way.
func (v *View) WhyTooSmall(ctx context.Context) string {
	return v.pool.whyTooSmall(ctx, v.cycle.source.expressions, v.cycle.request)
}

// OnlyPool reports whether the view is all that the node's drivers publish.
func (v *View) OnlyPool() bool {
	return len(v.cycle.source.pools.poolsOn(v.pool.Node)) == 1 && len(v.pool.gpus.unsupported) == 0
}

// ProfileName is the MIG profile of a device of the inventory, "" for others.
func (v *View) ProfileName(device int) string {
	return resourceslices.ProfileName(v.pool.Driver, v.pool.publishedDevice(device).Device)
}

// OfGPUs is a request of the pod with what each part asks for and could use, for
// suggestions. request is one of View.Requests.
func (v *View) OfGPUs(ctx context.Context, request *placement.Request) *placement.Request {
	c := v.cycle
	full := *request
	full.Parts = slices.Clone(request.Parts)
	for at := range full.Parts {
		part := &full.Parts[at]
		sub := subNamed(c.request, part.Name)
		if sub == nil {
			return request // not as it was read here
		}
		part.Usable = v.pool.usableDevices(sub, c.request.server)
		if c.request.server != nil {
			part.Asked = v.askedDevices(ctx, sub)
		}
	}
	return &full
}

// subNamed is the sub-request of a name, nil if there is none.
func subNamed(request *PodRequest, name string) *subRequest {
	for i := range request.requests {
		for j := range request.requests[i].alternatives {
			if sub := &request.requests[i].alternatives[j]; sub.name == name {
				return sub
			}
		}
	}
	return nil
}
