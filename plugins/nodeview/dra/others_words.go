package dra

import (
	"context"
	"fmt"
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
		condition := ""
		for j := range request.alternatives {
			sub := &request.alternatives[j]
			if c.source.classMatches(ctx, makes, sub) {
				condition = ""
				break
			}
			if condition = othersSentence(ctx, views, sub); condition == "" {
				break
			}
		}
		if condition != "" && ctx.Err() == nil {
			found = append(found, UnmetRequest{Request: request.name, Condition: condition, Decided: true})
		}
	}
	return found
}

// othersSentence says why no node of the views has enough devices beside its GPUs for a
// sub-request, "" if one has.
func othersSentence(ctx context.Context, views []*View, sub *subRequest) string {
	var sum othersTally
	most, where := int64(0), ""
	for _, view := range views {
		var tally othersTally
		view.tallyOthers(ctx, sub, &tally)
		if tally.hasEnough(sub) {
			return ""
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
		return fmt.Sprintf("no device %s is published on a node with GPUs", what)
	case most > 0:
		return fmt.Sprintf("the most free devices %s on one node are %d (%s)", what, most, where)
	}
	return fmt.Sprintf("no device %s is free: %s", what, sum.describeUse())
}
