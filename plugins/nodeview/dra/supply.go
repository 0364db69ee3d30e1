package dra

import (
	"context"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// supplyTies counts what the free devices of others offer to the constraints of a request.
type supplyTies struct {
	view    *View
	request *placement.Request
	// known are the supplies that were counted, by what they are of.
	known map[string]int
}

// drawFor is what a sub-request that others serve takes of the values of an attribute, under
// their numbers. Sub-requests that accept the same devices share a supply, so that two
// claims do not count on one adapter.
func (t *supplyTies) drawFor(
	ctx context.Context, attribute resourceapi.FullyQualifiedName, numbers map[string]int64, sub *subRequest,
) placement.SupplyDraw {
	draw := placement.SupplyDraw{Count: max(1, sub.count)}
	if sub.unsupportedReason != "" {
		draw.Count = 1 // all that match: at least one
	}
	key := fmt.Sprintf("%s %q %v %v", attribute, sub.selectors, sub.tolerations, sub.capacity)
	if supply, known := t.known[key]; known {
		draw.Supply = supply
		return draw
	}
	supply := make([]int64, len(numbers))
	t.view.eachOther(ctx, sub, func(p *Pool, device int, free bool) {
		text, _ := attributeText(p.deviceAt(device), attribute)
		number, wanted := numbers[text]
		switch {
		case !free || !wanted || text == "":
		case isShareable(&p.Devices[device]):
			supply[number] += maxDevices // how many it can serve is the in-tree code's to say
		default:
			supply[number]++
		}
	})
	draw.Supply = len(t.request.Supplies)
	t.request.Supplies = append(t.request.Supplies, supply)
	if t.known == nil {
		t.known = map[string]int{}
	}
	t.known[key] = draw.Supply
	return draw
}
