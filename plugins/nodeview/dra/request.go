package dra

import (
	"context"
	"fmt"
	"iter"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Requests implements nodeview.View: one request for every combination of alternatives, up to
// the first that asks for GPUs in a way that is not understood. Requests that only devices
// of others can serve are no parts of it; where a constraint ties them to GPUs, the GPUs
// must have what the others' free devices offer.
func (v *View) Requests(ctx context.Context) iter.Seq[*placement.Request] {
	return func(yield func(*placement.Request) bool) {
		pod := v.cycle.request
		if pod.unsupportedReason != "" {
			return
		}
		choice := make([]int, len(pod.requests))
		for {
			request, understood := v.requestFor(ctx, choice)
			if !understood || !yield(request) {
				return
			}
			// Count up, the last request fastest, as the in-tree search does.
			at := len(choice) - 1
			for ; at >= 0; at-- {
				if choice[at]++; choice[at] < len(pod.requests[at].alternatives) {
					break
				}
				choice[at] = 0
			}
			if at < 0 {
				return
			}
		}
	}
}

// requestFor is one combination: choice[i] is the alternative of request i. It reports false
// if one of them asks for GPUs in a way that is not understood.
func (v *View) requestFor(ctx context.Context, choice []int) (*placement.Request, bool) {
	pod := v.cycle.request
	result := &placement.Request{}
	partOf := make([]int, len(pod.requests)) // -1 for none
	outside := make([]*subRequest, len(pod.requests))
	for i := range pod.requests {
		sub := &pod.requests[i].alternatives[choice[i]]
		partOf[i] = -1
		switch {
		case sub.adminAccess: // takes nothing
		case v.providedByPlugin(&pod.requests[i]):
		case v.servedByOthers(ctx, sub):
			outside[i] = sub
		case sub.unsupportedReason != "":
			return nil, false
		default:
			partOf[i] = len(result.Parts)
			result.Parts = append(result.Parts, v.partFor(ctx, sub))
		}
	}
	ties := &supplyTies{view: v, request: result}
	for r := range pod.constraints {
		rule := &pod.constraints[r]
		constraint := placement.Constraint{Name: shortAttribute(rule.attribute), Distinct: rule.distinct}
		var tied []*subRequest
		for i := range pod.requests {
			switch {
			case !rule.appliesTo(i, choice[i]):
			case partOf[i] >= 0:
				constraint.Parts = append(constraint.Parts, partOf[i])
			case outside[i] != nil:
				tied = append(tied, outside[i])
			}
		}
		if len(constraint.Parts) == 0 {
			continue
		}
		numbers := map[string]int64{}
		constraint.Values = v.pool.attributeValues(rule.attribute, rule.distinct, numbers)
		if !rule.distinct {
			for _, sub := range tied {
				constraint.Draws = append(constraint.Draws, ties.drawFor(ctx, rule.attribute, numbers, sub))
			}
		}
		result.Constraints = append(result.Constraints, constraint)
	}
	return result, true
}

// providedByPlugin reports whether a request is for a resource that the node's device plugin
// hands out: that does not go through DRA.
func (v *View) providedByPlugin(request *deviceRequest) bool {
	return request.resource != "" && v.provided[request.resource] > 0
}

// partFor is one sub-request.
func (v *View) partFor(ctx context.Context, sub *subRequest) placement.Part {
	return v.partWith(ctx, sub, v.cycle.request.server)
}

// askedDevices are the devices that a sub-request asks for, too small for the model
// server or not.
func (v *View) askedDevices(ctx context.Context, sub *subRequest) placement.DeviceSet {
	return v.partWith(ctx, sub, nil).Accepts
}

// partWith is one sub-request on devices that are large enough for a model server, if it is
// not nil.
func (v *View) partWith(ctx context.Context, sub *subRequest, server *modelmemory.Server) placement.Part {
	p := v.pool
	matched := p.matchSelectors(ctx, v.cycle.source.expressions, sub.selectors)
	part := placement.Part{Name: sub.name, Count: int(sub.count), Accepts: placement.NewDeviceSet(len(p.gpus.published))}
	for i, at := range p.gpus.published {
		if !matched.devices.Has(at) || !toleratesTaints(&p.Devices[at], sub.tolerations) || !sub.hasCapacity(p, i) {
			continue
		}
		var share memoryShare
		if isShareable(&p.Devices[at]) {
			share = sub.shareOf(p.publishedDevice(i))
		}
		if p.tooSmall(server, i, share.memoryLimit()) != "" {
			continue
		}
		part.Accepts.Add(i)
		// Should devices round differently the smallest counts, and the in-tree code
		// checks the others.
		if p.gpus.inventory.Devices[i].Form != placement.Share {
			continue
		}
		if booked := share.bookedBytes(); booked > 0 && (part.Bytes == 0 || booked < part.Bytes) {
			part.Bytes = booked
		}
	}
	return part
}

// hasCapacity reports whether device i of the inventory has what a sub-request asks for.
func (s *subRequest) hasCapacity(p *Pool, i int) bool {
	device := p.publishedDevice(i)
	shared := isShareable(device.Device)
	for name, amount := range s.capacity {
		capacity, found := device.FindCapacity(name)
		if found && shared {
			amount = consumedAmount(capacity, amount)
		}
		if !found || amount > capacity.Value.Value() {
			return false
		}
	}
	return true
}

// attributeValues numbers the values that an attribute takes on the inventory's devices, and
// adds the numbers to those of texts.
func (p *Pool) attributeValues(attribute resourceapi.FullyQualifiedName, distinct bool, texts map[string]int64) []int64 {
	values := make([]int64, len(p.gpus.published))
	for i := range values {
		values[i] = placement.NoValue
		value, found := attributeText(p.publishedDevice(i), attribute)
		if value == "" && found && !distinct {
			value = fmt.Sprint("only ", i) // a list: the in-tree code takes it for equal to nothing
		}
		if value == "" {
			continue
		}
		if _, known := texts[value]; !known {
			texts[value] = int64(len(texts))
		}
		values[i] = texts[value]
	}
	return values
}

// attributeText is the value of a device's attribute with its type: texts of different values
// are different. It is "" for an attribute of a type that constraints cannot compare, and
// false for one that is not published.
func attributeText(d resourceslices.Device, name resourceapi.FullyQualifiedName) (string, bool) {
	value, found := d.FindAttribute(resourceapi.QualifiedName(name))
	switch {
	case value.StringValue != nil:
		return "text " + *value.StringValue, true
	case value.IntValue != nil:
		return fmt.Sprint("int ", *value.IntValue), true
	case value.BoolValue != nil:
		return fmt.Sprint("bool ", *value.BoolValue), true
	case value.VersionValue != nil:
		return "version " + *value.VersionValue, true
	}
	return "", found
}

// attributeOf is the value of an attribute of device i of the inventory.
func (p *Pool) attributeOf(i int, name resourceapi.FullyQualifiedName) (any, bool) {
	return valueOf(p.publishedDevice(i), name)
}

// valueOf is the value of an attribute of a device.
func valueOf(device resourceslices.Device, name resourceapi.FullyQualifiedName) (any, bool) {
	value, found := device.FindAttribute(resourceapi.QualifiedName(name))
	switch {
	case !found:
		return nil, false
	case value.StringValue != nil:
		return *value.StringValue, true
	case value.IntValue != nil:
		return *value.IntValue, true
	case value.BoolValue != nil:
		return *value.BoolValue, true
	case value.VersionValue != nil:
		return *value.VersionValue, true
	}
	return nil, false
}
