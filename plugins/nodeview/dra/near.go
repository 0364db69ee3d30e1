package dra

import (
	"cmp"
	"context"
	"slices"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Nothing ties GPUs to the adapters of a pod that states no constraint. All else being equal
// the two are near each other all the same: at one PCIe root, or else on one NUMA node.

// nearBy are the attributes by which devices are near each other, the nearest first.
var nearBy = []resourceapi.FullyQualifiedName{deviceapi.PCIeRoot, deviceapi.NUMANode}

// NearOthers is a request that accepts just the GPUs of another which are near free devices
// for the pod's other requests; nil if there are no such requests, or nothing is near.
func (v *View) NearOthers(ctx context.Context, request *placement.Request) *placement.Request {
	for _, attribute := range nearBy {
		offered := map[string]bool{}
		v.cycle.request.anyAlternative(func(sub *subRequest) bool {
			if !sub.adminAccess && v.servedByOthers(ctx, sub) {
				v.eachOther(ctx, sub, func(p *Pool, device int, free bool) {
					if text, _ := attributeText(p.deviceAt(device), attribute); free && text != "" {
						offered[text] = true
					}
				})
			}
			return false
		})
		if len(offered) == 0 {
			continue
		}
		near := *request
		near.Parts = slices.Clone(request.Parts)
		for part := range near.Parts {
			accepted := near.Parts[part].Accepts
			near.Parts[part].Accepts = v.pool.gpus.inventory.SelectDevices(func(*placement.Device) bool { return false })
			for i := range v.pool.gpus.published {
				if text, _ := attributeText(v.pool.publishedDevice(i), attribute); accepted.Has(i) && offered[text] {
					near.Parts[part].Accepts.Add(i)
				}
			}
		}
		return &near
	}
	return nil
}

// nearestFirst are the devices of another pool in an order that has those near the chosen GPUs
// first; nil if that is the published order, or no request is for such devices.
func (v *View) nearestFirst(ctx context.Context, p *Pool, chosen []placement.DeviceAllocation) []int {
	wanted := v.cycle.request.anyAlternative(func(sub *subRequest) bool {
		return !sub.adminAccess && v.servedByOthers(ctx, sub) && p.matchesAny(ctx, v.cycle.source.expressions, sub.selectors)
	})
	if !wanted || len(chosen) == 0 {
		return nil
	}
	distance := make([]int, len(p.Devices))
	for i := range distance {
		distance[i] = len(nearBy)
		for at, attribute := range nearBy {
			text, _ := attributeText(p.deviceAt(i), attribute)
			if text != "" && slices.ContainsFunc(chosen, func(gpu placement.DeviceAllocation) bool {
				own, _ := attributeText(v.pool.publishedDevice(gpu.Device), attribute)
				return own == text
			}) {
				distance[i] = at
				break
			}
		}
	}
	if slices.IsSorted(distance) {
		return nil
	}
	order := allOf(p)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
	return order
}
