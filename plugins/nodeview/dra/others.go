package dra

import (
	"context"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// otherDevices are devices that a node may use and a view does not have: of other drivers, of
// pools that are not local to a node, and of the view's own pool if they are not understood.
type otherDevices struct {
	pool *Pool
	only placement.DeviceSet // nil for all of the pool
}

// hasDevice reports whether device i of the pool is one of them.
func (o *otherDevices) hasDevice(i int) bool { return o.only == nil || o.only.Has(i) }

// listOthers lists the devices that the view does not have.
func (v *View) listOthers() []otherDevices {
	if v.othersKnown {
		return v.otherDevices
	}
	index, node := &v.cycle.source.pools, v.pool.Node
	for _, p := range index.poolsOn(node) {
		switch {
		case p != v.pool:
			v.otherDevices = append(v.otherDevices, otherDevices{pool: p})
		case len(p.gpus.unsupported) > 0:
			only := placement.NewDeviceSet(len(p.Devices))
			for _, at := range p.gpus.unsupported {
				only.Add(at)
			}
			v.otherDevices = append(v.otherDevices, otherDevices{pool: p, only: only})
		}
	}
	for _, p := range index.shared {
		if only := p.devicesFor(node, v.cycle.nodes); !only.Empty() {
			v.otherDevices = append(v.otherDevices, otherDevices{pool: p, only: only})
		}
	}
	v.othersKnown = true
	return v.otherDevices
}

// servedByOthers reports whether only devices that the view does not have can serve a
// sub-request: a network adapter, a channel between nodes.
func (v *View) servedByOthers(ctx context.Context, sub *subRequest) bool {
	if known, found := v.forOthers[sub]; found {
		return known
	}
	serves := !v.pool.matchesGPU(ctx, v.cycle.source, sub) && v.othersMatch(ctx, sub)
	if v.forOthers == nil {
		v.forOthers = map[*subRequest]bool{}
	}
	v.forOthers[sub] = serves
	return serves
}

// matchesGPU reports whether a sub-request's selectors accept a GPU of the pool, or a part of
// one.
func (p *Pool) matchesGPU(ctx context.Context, s *Source, sub *subRequest) bool {
	return slices.ContainsFunc(p.gpus.published, p.matchSelectors(ctx, s.expressions, sub.selectors).devices.Has)
}

// othersMatch reports whether a sub-request's selectors accept a device that the view does
// not have.
func (v *View) othersMatch(ctx context.Context, sub *subRequest) bool {
	expressions := v.cycle.source.expressions
	return slices.ContainsFunc(v.listOthers(), func(o otherDevices) bool {
		if !o.pool.matchesAny(ctx, expressions, sub.selectors) {
			return false
		}
		if o.only == nil {
			return true
		}
		matched := o.pool.matchSelectors(ctx, expressions, sub.selectors).devices
		for i := range o.pool.Devices {
			if o.only.Has(i) && matched.Has(i) {
				return true
			}
		}
		return false
	})
}

// eachOther calls f for every device that the view does not have and a sub-request's
// selectors accept, and says whether the device is free for it. What cannot be told, such
// as counters, counts as free.
func (v *View) eachOther(ctx context.Context, sub *subRequest, f func(p *Pool, device int, free bool)) {
	for _, o := range v.listOthers() {
		matched := o.pool.matchSelectors(ctx, v.cycle.source.expressions, sub.selectors).devices
		for i := range o.pool.Devices {
			if o.hasDevice(i) && matched.Has(i) {
				f(o.pool, i, v.cycle.isFree(o.pool, i, sub))
			}
		}
	}
}

// isFree reports whether nothing is known that keeps a device from serving a sub-request
// now.
func (c *Cycle) isFree(p *Pool, i int, sub *subRequest) bool {
	id := p.deviceNames()[i]
	return !c.state.AllocatedDevices.Has(id) && !c.allocated.ofPool(p).twinHeld[i] &&
		toleratesTaints(&p.Devices[i], sub.tolerations) && sub.capacityLeft(&p.Devices[i], p.Driver, c.state.AggregatedCapacity[id])
}

// devicesFor are the devices of a pool that a node may use. A selector of nodes that cannot
// be evaluated counts as if it selected the node.
func (p *Pool) devicesFor(node string, nodes *nodeIndex) placement.DeviceSet {
	set := placement.NewDeviceSet(len(p.Devices))
	at := 0
	for _, slice := range p.Slices {
		spec := &slice.Spec
		perDevice := spec.PerDeviceNodeSelection != nil && *spec.PerDeviceNodeSelection
		whole := !perDevice && nodes.selectsNode(node, spec.NodeName, spec.AllNodes, spec.NodeSelector)
		for i := range spec.Devices {
			d := &spec.Devices[i]
			if whole || perDevice && nodes.selectsNode(node, d.NodeName, d.AllNodes, d.NodeSelector) {
				set.Add(at + i)
			}
		}
		at += len(spec.Devices)
	}
	return set
}

// nodeIndex finds the nodes of a scheduling cycle by name.
type nodeIndex struct {
	nodes  []fwk.NodeInfo
	once   sync.Once
	byName map[string]*v1.Node
}

// selectsNode reports whether one of the ways in which slices name nodes names a node.
func (x *nodeIndex) selectsNode(node string, name *string, all *bool, selector *v1.NodeSelector) bool {
	switch {
	case name != nil && *name != "":
		return *name == node
	case all != nil && *all:
		return true
	case selector == nil:
		return false
	}
	x.once.Do(func() {
		x.byName = make(map[string]*v1.Node, len(x.nodes))
		for _, info := range x.nodes {
			x.byName[info.Node().Name] = info.Node()
		}
	})
	parsed, err := nodeaffinity.NewNodeSelector(selector)
	return err != nil || x.byName[node] == nil || parsed.Match(x.byName[node])
}

// isShareable reports whether several claims may have a device at once.
func isShareable(d *resourceapi.Device) bool {
	return d.AllowMultipleAllocations != nil && *d.AllowMultipleAllocations
}
