package dra

import (
	"context"
	"maps"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/dynamic-resource-allocation/resourceclaim"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// mismatchKind is at which step the devices of a pool drop out of a request, whoever
// holds them; the later the step, the nearer they are to serving it.
type mismatchKind int

const (
	noMismatch    mismatchKind = iota // some device would serve
	notSelected                       // no device satisfies the selectors
	allTainted                        // those that do have taints that are not tolerated
	noCapacity                        // those left do not publish a capacity that is asked for
	smallCapacity                     // or have less of it
	tooSmall                          // the model server would not start on any that are left
)

// poolMismatch is why no device of a pool serves a request, were all of them free.
type poolMismatch struct {
	kind mismatchKind
	// taints are those in the way, as key=value:effect, sorted, and tainted how many devices
	// have them.
	taints  []string
	tainted int
	// capacity is the one that is missing or too small, wanted what is asked of it, and
	// largest what device, an index of the inventory, has of it.
	capacity resourceapi.QualifiedName
	wanted   int64
	largest  resource.Quantity
	device   int
	// capacities are those that the devices in question publish.
	capacities map[string]bool
	// because says why the model server does not start on the largest device, and demands what
	// the pod states that it needs of one, "" if that was estimated.
	because, demands string
	memory           topology.Bytes
	form             placement.Form
}

// mismatchOf finds out why no device of the pool serves a sub-request.
func (p *Pool) mismatchOf(ctx context.Context, expressions *expressionCache, sub *subRequest, server *modelmemory.Server) poolMismatch {
	matched := p.matchSelectors(ctx, expressions, sub.selectors).devices
	result := poolMismatch{kind: notSelected, capacities: map[string]bool{}}
	taints := map[string]bool{}
	step := func(kind mismatchKind) bool {
		if kind > result.kind {
			result.kind = kind
		}
		return kind == result.kind
	}
	for i, at := range p.gpus.published {
		if !matched.Has(at) {
			continue
		}
		if untolerated := untoleratedTaints(&p.Devices[at], sub.tolerations); len(untolerated) > 0 {
			result.tainted++
			if step(allTainted) {
				for _, taint := range untolerated {
					taints[taint] = true
				}
			}
			continue
		}
		if short, missing := sub.shortCapacity(p, i); short != "" {
			kind := smallCapacity
			if missing {
				kind = noCapacity
			}
			if !step(kind) {
				continue
			}
			for name := range p.publishedDevice(i).Capacity {
				result.capacities[string(name)] = true
			}
			capacity, _ := p.publishedDevice(i).FindCapacity(short)
			if result.capacity == "" || capacity.Value.Cmp(result.largest) > 0 {
				result.capacity, result.wanted, result.largest, result.device = short, sub.capacity[short], capacity.Value, i
			}
			continue
		}
		because := p.tooSmall(server, i, p.shareLimit(sub, i))
		if because == "" {
			return poolMismatch{}
		}
		if device := &p.gpus.inventory.Devices[i]; step(tooSmall) && (result.because == "" || device.Memory > result.memory) {
			result.because, result.memory, result.form, result.device = strings.TrimSpace(because), device.Memory, device.Form, i
			result.demands = server.StatedDemands()
		}
	}
	if result.kind == allTainted {
		result.taints = slices.Sorted(maps.Keys(taints))
	}
	return result
}

// shortCapacity is the first capacity by name of which device i of the inventory has
// less than a sub-request asks for, "" for none, and whether it lacks it altogether.
func (s *subRequest) shortCapacity(p *Pool, i int) (name resourceapi.QualifiedName, missing bool) {
	if len(s.capacity) == 0 || s.hasCapacity(p, i) {
		return "", false
	}
	device := p.publishedDevice(i)
	for _, name := range slices.Sorted(maps.Keys(s.capacity)) {
		one := subRequest{capacity: map[resourceapi.QualifiedName]int64{name: s.capacity[name]}}
		if !one.hasCapacity(p, i) {
			_, found := device.FindCapacity(name)
			return name, !found
		}
	}
	return "", false
}

// untoleratedTaints are the taints of a device that keep a new allocation from it.
func untoleratedTaints(d *resourceapi.Device, tolerations []resourceapi.DeviceToleration) []string {
	if toleratesTaints(d, tolerations) {
		return nil
	}
	var texts []string
	for _, taint := range d.Taints {
		tolerated := slices.ContainsFunc(tolerations, func(t resourceapi.DeviceToleration) bool { return resourceclaim.ToleratesTaint(t, taint) })
		if !tolerated && (taint.Effect == resourceapi.DeviceTaintEffectNoSchedule || taint.Effect == resourceapi.DeviceTaintEffectNoExecute) {
			texts = append(texts, taintText(taint.Key, taint.Value, string(taint.Effect)))
		}
	}
	return texts
}

// taintText is a taint as kubectl prints it.
func taintText(key, value, effect string) string {
	if value != "" {
		key += "=" + value
	}
	return key + ":" + effect
}

// ProductOf is the product name of the GPU that a device of the inventory is of.
func (v *View) ProductOf(device int) string {
	inventory := v.Inventory()
	return inventory.Node.GPUs[inventory.Devices[device].GPU].Model.Product
}

// NoMatchReason says in the words of a node's status why nothing of it serves a part of
// what the pod asks, whoever holds it: "have no matching GPU". part is its name.
func (v *View) NoMatchReason(ctx context.Context, part string) string {
	result := poolMismatch{kind: notSelected}
	if request := v.requestNamed(part); request != nil {
		class, known := request.alternatives[0].class, false
		for j := range request.alternatives {
			known = known || v.cycle.source.classMatches(ctx, []*Pool{v.pool}, &request.alternatives[j])
		}
		if !known && len(request.alternatives) == 1 {
			if v.othersMatch(ctx, request.alternatives[0].onlyClass()) {
				return "have no matching device of class " + class
			}
			return "publish no device of class " + class
		}
		for j := range request.alternatives {
			found := v.pool.mismatchOf(ctx, v.cycle.source.expressions, &request.alternatives[j], v.cycle.request.server)
			if found.kind > result.kind {
				result = found
			}
		}
	}
	return result.onNode()
}

// TooSmallReason says in the words of a node's status that the pod's model server fits in
// nothing of what is asked: "have no slice in which the pod's model server fits".
func (v *View) TooSmallReason(ctx context.Context) string {
	for i := range v.cycle.request.requests {
		request := &v.cycle.request.requests[i]
		for j := range request.alternatives {
			found := v.pool.mismatchOf(ctx, v.cycle.source.expressions, &request.alternatives[j], v.cycle.request.server)
			if found.kind == tooSmall {
				return found.onNode()
			}
		}
	}
	return (&poolMismatch{kind: tooSmall, demands: v.cycle.request.server.StatedDemands()}).onNode()
}

// shortAttribute is the name of an attribute without its domain.
func shortAttribute(attribute resourceapi.FullyQualifiedName) string {
	name := string(attribute)
	if _, short, qualified := strings.Cut(name, "/"); qualified {
		return short
	}
	return name
}

// requestNamed is the pod's request of which a part was made, nil if there is none.
func (v *View) requestNamed(part string) *deviceRequest {
	for i := range v.cycle.request.requests {
		request := &v.cycle.request.requests[i]
		if slices.ContainsFunc(request.alternatives, func(sub subRequest) bool { return sub.name == part }) {
			return request
		}
	}
	return nil
}

// usableDevices are the devices of the pool that a sub-request could take if it asked for
// them: they are neither tainted nor too small for the model server.
func (p *Pool) usableDevices(sub *subRequest, server *modelmemory.Server) placement.DeviceSet {
	usable := placement.NewDeviceSet(len(p.gpus.published))
	for i, at := range p.gpus.published {
		if toleratesTaints(&p.Devices[at], sub.tolerations) && p.tooSmall(server, i, p.shareLimit(sub, i)) == "" {
			usable.Add(i)
		}
	}
	return usable
}
