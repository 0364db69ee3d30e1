package dra

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// OthersInTheWay says of each request that is meant for devices beside the GPUs, on the
// nodes of the views, why no node has enough of them; nothing where a node has.
func (c *Cycle) OthersInTheWay(ctx context.Context, views []*View) []UnmetRequest {
	if len(views) == 0 {
		return nil
	}
	makes := poolsOfViews(OneOfEachMake(views))
	var found []UnmetRequest
	for i := range c.request.requests {
		request := &c.request.requests[i]
		condition, advises := "", false
		for j := range request.alternatives {
			sub := &request.alternatives[j]
			if c.source.classMatches(ctx, makes, sub) {
				condition = ""
				break
			}
			if condition, advises = c.othersSentence(ctx, views, sub); condition == "" {
				break
			}
		}
		if condition != "" && ctx.Err() == nil {
			found = append(found, UnmetRequest{Request: request.name, Condition: condition, Decided: true, Advises: advises})
		}
	}
	return found
}

// othersSentence says why no node of the views has enough devices beside its GPUs for a
// sub-request, "" if one has, and whether that tells what to write instead.
func (c *Cycle) othersSentence(ctx context.Context, views []*View, sub *subRequest) (condition string, advises bool) {
	var sum deviceTally
	most, where := int64(0), ""
	for _, view := range views {
		var tally deviceTally
		view.tallyOthers(ctx, sub, &tally)
		if tally.hasEnough(sub) {
			return "", false
		}
		if tally.free > most {
			most, where = tally.free, view.Node()
		}
		view.tallyOthers(ctx, sub, &sum)
	}
	what := "of class " + sub.class
	if sum.driver != "" && sum.driver != sub.class {
		what += fmt.Sprintf(" (driver %s)", sum.driver)
	}
	switch {
	case sum.all == 0:
		if others := othersOfClass(ctx, views, sub); len(others.pools) > 0 {
			unmet, _ := c.source.unmetCondition(ctx, others, sub)
			return cmp.Or(unmet, fmt.Sprintf("no %s satisfies all conditions of its selectors at once", others.noun)), true
		}
		return fmt.Sprintf("no device %s is published on a node with GPUs", what), false
	case most > 0:
		return fmt.Sprintf("the most free devices %s on one node are %d (%s)", what, most, where), false
	}
	return fmt.Sprintf("no device %s is free: %s", what, sum.describeUse()), false
}

// onlyClass is a sub-request without selectors but those of its class.
func (s *subRequest) onlyClass() *subRequest {
	return &subRequest{class: s.class, selectors: s.selectors[:s.ofClass], ofClass: s.ofClass}
}

// othersOfClass are the devices beside the GPUs on the nodes of views that are of a
// sub-request's class.
func othersOfClass(ctx context.Context, views []*View, sub *subRequest) *candidateDevices {
	found := &candidateDevices{noun: "device of class " + sub.class, devices: map[*Pool][]int{}}
	for _, view := range views {
		view.eachOther(ctx, sub.onlyClass(), func(p *Pool, device int, _ bool) {
			if found.devices[p] == nil {
				found.pools = append(found.pools, p)
			}
			if !slices.Contains(found.devices[p], device) {
				found.devices[p] = append(found.devices[p], device)
			}
		})
	}
	return found
}
