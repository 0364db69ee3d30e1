package deviceplacement

import (
	"context"
	"fmt"
	"iter"
	"strings"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	dracel "k8s.io/dynamic-resource-allocation/cel"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// requests yields the ask in terms of a pool, one request for every combination
// of alternatives, the most preferred first. provided are the resources that the
// node's device plugin hands out: those do not go through DRA.
func (p *pool) requests(ctx context.Context, expressions *dracel.Cache, a *ask, provided map[v1.ResourceName]int64) iter.Seq[*placement.Request] {
	return func(yield func(*placement.Request) bool) {
		choice := make([]int, len(a.requests))
		for {
			if !yield(p.request(ctx, expressions, a, provided, choice)) {
				return
			}
			// Count up, the last request fastest, as the in-tree search does.
			at := len(choice) - 1
			for ; at >= 0; at-- {
				if choice[at]++; choice[at] < len(a.requests[at].alternatives) {
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

func (p *pool) request(ctx context.Context, expressions *dracel.Cache, a *ask, provided map[v1.ResourceName]int64, choice []int) *placement.Request {
	result := &placement.Request{}
	partOf := make([]int, len(a.requests))
	for i := range a.requests {
		request := &a.requests[i]
		partOf[i] = -1
		if request.resource != "" && provided[request.resource] > 0 {
			continue
		}
		partOf[i] = len(result.Parts)
		result.Parts = append(result.Parts, p.part(ctx, expressions, &request.alternatives[choice[i]], a.server))
	}
	for _, rule := range a.alike {
		alike := placement.Constraint{Values: p.values(rule.attribute), Distinct: rule.distinct}
		for _, request := range rule.requests {
			if partOf[request] >= 0 {
				alike.Parts = append(alike.Parts, partOf[request])
			}
		}
		result.Constraints = append(result.Constraints, alike)
	}
	return result
}

func (p *pool) part(ctx context.Context, expressions *dracel.Cache, way *alternative, server *modelmemory.Server) placement.Part {
	matched := p.match(ctx, expressions, way.selectors)
	part := placement.Part{Name: way.name, Count: int(way.count), Accepts: placement.NewDeviceSet(len(p.devices))}
	for i := range p.devices {
		d := &p.devices[i]
		if !matched.devices.Has(i) || !tolerated(d, way.tolerations) {
			continue
		}
		enough, memory := true, int64(0)
		for name, amount := range way.capacity {
			capacity, found := p.capacityOf(d, name)
			take := amount
			if found && p.gpus.inventory.Devices[i].Form == placement.Share {
				take = consumed(capacity, amount)
			}
			enough = enough && found && take <= capacity.Value.Value()
			if found && strings.TrimPrefix(string(name), p.driver+"/") == deviceapi.Memory {
				memory = take
			}
		}
		if !enough || p.tooSmall(server, i, topology.Bytes(memory)) != "" {
			continue
		}
		part.Accepts.Add(i)
		// Should devices round differently the smallest counts, and the in-tree code
		// checks the others.
		if memory > 0 && p.gpus.inventory.Devices[i].Form == placement.Share && (part.Bytes == 0 || memory < int64(part.Bytes)) {
			part.Bytes = topology.Bytes(memory)
		}
	}
	return part
}

// values numbers the values that an attribute takes on a pool's devices.
func (p *pool) values(attribute resourceapi.FullyQualifiedName) []int64 {
	values := make([]int64, len(p.devices))
	numbers := map[string]int64{}
	for i := range p.devices {
		values[i] = placement.NoValue
		value, found := p.attribute(i, attribute)
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

func (p *pool) attribute(i int, name resourceapi.FullyQualifiedName) (any, bool) {
	attributes := p.devices[i].Attributes
	value, found := attributes[resourceapi.QualifiedName(name)]
	if prefix := p.driver + "/"; !found && len(name) > len(prefix) && string(name[:len(prefix)]) == prefix {
		value, found = attributes[resourceapi.QualifiedName(name[len(prefix):])]
	}
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
