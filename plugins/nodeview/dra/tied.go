package dra

import (
	"context"
	"fmt"
	"strings"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// TiedOnNode says in the words of a node's status that nothing free of what two requests
// ask agrees on the attribute that ties a GPU to a device beside it: "have no free GPU
// and device of class rdma.example.com of one pcieRoot"; "" if something does, or if
// nothing is tied.
func (v *View) TiedOnNode(ctx context.Context) string {
	for i := range v.cycle.request.constraints {
		rule := &v.cycle.request.constraints[i]
		if rule.distinct {
			continue
		}
		ofGPUs, ofOthers, class := v.freeValues(ctx, rule)
		if ofGPUs == nil || ofOthers == nil || shareValue(ofGPUs, ofOthers) {
			continue
		}
		_, attribute, _ := strings.Cut(string(rule.attribute), "/")
		return fmt.Sprintf("have no free GPU and device of class %s of one %s", class, attribute)
	}
	return ""
}

// freeValues are the values of a rule's attribute on what is free of the GPUs that its
// requests ask for, and of the devices beside them with the class of those; nil where
// the rule is not about such.
func (v *View) freeValues(ctx context.Context, rule *constraintRule) (ofGPUs, ofOthers map[string]bool, class string) {
	c, inventory, gpus := v.cycle, v.Inventory(), v.GPUs()
	for _, about := range rule.requests {
		for _, sub := range c.request.alternativesOf(about) {
			if c.source.classMatches(ctx, []*Pool{v.pool}, sub) {
				if ofGPUs == nil {
					ofGPUs = map[string]bool{}
				}
				accepted := v.partFor(ctx, sub).Accepts
				for i := range v.pool.gpus.published {
					if value, has := v.pool.attributeOf(i, rule.attribute); has && accepted.Has(i) &&
						inventory.DeviceFits(gpus, i, placement.ShareSize{}) {
						ofGPUs[fmt.Sprint(value)] = true
					}
				}
				continue
			}
			if ofOthers == nil {
				ofOthers, class = map[string]bool{}, sub.class
			}
			v.addFreeOthers(ctx, sub, rule.attribute, ofOthers)
		}
	}
	return ofGPUs, ofOthers, class
}

// addFreeOthers adds the values of an attribute on the free devices beside the GPUs.
func (v *View) addFreeOthers(ctx context.Context, sub *subRequest, attribute resourceapi.FullyQualifiedName, values map[string]bool) {
	c := v.cycle
	for _, pool := range c.source.pools.byNode[v.Node()] {
		if pool == v.pool {
			continue
		}
		matched := pool.matchSelectors(ctx, c.source.expressions, sub.selectors).devices
		for i := range pool.Devices {
			if !matched.Has(i) || c.state.AllocatedDevices.Has(pool.ids[i]) || !toleratesTaints(&pool.Devices[i], sub.tolerations) {
				continue
			}
			device := resourceslices.Device{Device: &pool.Devices[i], Driver: pool.Driver}
			if value, has := valueOf(device, attribute); has {
				values[fmt.Sprint(value)] = true
			}
		}
	}
}

func shareValue(a, b map[string]bool) bool {
	for value := range a {
		if b[value] {
			return true
		}
	}
	return false
}
