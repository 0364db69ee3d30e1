package dra

import (
	"context"
	"fmt"
	"iter"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// requestsOn yields what a pod asks in terms of a pool, one request for every
// combination of alternatives, the most preferred first. provided are the resources
// that the node's device plugin hands out: those do not go through DRA.
func (p *Pool) requestsOn(
	ctx context.Context, expressions *dracel.Cache, pod *PodRequest, provided map[v1.ResourceName]int64,
) iter.Seq[*placement.Request] {
	return func(yield func(*placement.Request) bool) {
		choice := make([]int, len(pod.requests))
		for {
			if !yield(p.requestFor(ctx, expressions, pod, provided, choice)) {
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

// requestFor is one combination: choice[i] is the alternative of request i.
func (p *Pool) requestFor(
	ctx context.Context, expressions *dracel.Cache, pod *PodRequest, provided map[v1.ResourceName]int64, choice []int,
) *placement.Request {
	result := &placement.Request{}
	partOf := make([]int, len(pod.requests))
	for i := range pod.requests {
		request := &pod.requests[i]
		partOf[i] = -1
		if request.resource != "" && provided[request.resource] > 0 {
			continue
		}
		partOf[i] = len(result.Parts)
		result.Parts = append(result.Parts, p.partFor(ctx, expressions, &request.alternatives[choice[i]], pod.server))
	}
	for _, rule := range pod.constraints {
		constraint := placement.Constraint{Values: p.attributeValues(rule.attribute), Distinct: rule.distinct}
		for _, request := range rule.requests {
			if partOf[request] >= 0 {
				constraint.Parts = append(constraint.Parts, partOf[request])
			}
		}
		result.Constraints = append(result.Constraints, constraint)
	}
	return result
}

// partFor is one sub-request.
func (p *Pool) partFor(ctx context.Context, expressions *dracel.Cache, sub *subRequest, server *modelmemory.Server) placement.Part {
	matched := p.matchSelectors(ctx, expressions, sub.selectors)
	part := placement.Part{Name: sub.name, Count: int(sub.count), Accepts: placement.NewDeviceSet(len(p.gpus.published))}
	for i, at := range p.gpus.published {
		if !matched.devices.Has(at) || !toleratesTaints(&p.Devices[at], sub.tolerations) || !sub.hasCapacity(p, i) {
			continue
		}
		var share memoryShare
		if p.gpus.inventory.Devices[i].Form == placement.Share {
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
	shared := p.gpus.inventory.Devices[i].Form == placement.Share
	device := p.publishedDevice(i)
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

// attributeValues numbers the values that an attribute takes on the inventory's devices.
func (p *Pool) attributeValues(attribute resourceapi.FullyQualifiedName) []int64 {
	values := make([]int64, len(p.gpus.published))
	numbers := map[string]int64{}
	for i := range values {
		values[i] = placement.NoValue
		value, found := p.attributeOf(i, attribute)
		if !found {
			continue
		}
		text := fmt.Sprint(value)
		if _, known := numbers[text]; !known {
			numbers[text] = int64(len(numbers))
		}
		values[i] = numbers[text]
	}
	return values
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
