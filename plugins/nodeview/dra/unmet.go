package dra

import (
	"context"
	"slices"
)

// UnmetRequest is a request of a pod that no GPU satisfies by what it is.
type UnmetRequest struct {
	// Request is the request's name.
	Request string
	// Condition says which condition no GPU satisfies, and what GPUs have instead.
	Condition string
	// Decided is false if the search ended before that was found out; Condition is "" then.
	Decided bool
}

// UnmetRequests lists the requests of which no alternative can be satisfied by the GPUs
// of the views, one for each make of node. It speaks of the last alternative, which asks
// the least. Where there are others, devices that are not viewed, a request whose device
// class matches no GPU is taken to be meant for those.
func (c *Cycle) UnmetRequests(ctx context.Context, makes []*View, others bool) []UnmetRequest {
	pools := poolsOfViews(makes)
	var unmet []UnmetRequest
	for i := range c.request.requests {
		request := &c.request.requests[i]
		if condition, decided := c.source.unmetByAll(ctx, pools, request, others); condition != "" || !decided {
			unmet = append(unmet, UnmetRequest{Request: request.name, Condition: condition, Decided: decided})
		}
	}
	return unmet
}

// unmetByAll says what no GPU satisfies of a request, if no alternative can be
// satisfied; "" otherwise.
func (s *Source) unmetByAll(ctx context.Context, pools []*Pool, request *deviceRequest, others bool) (condition string, decided bool) {
	decided = true
	for i := range request.alternatives {
		sub := &request.alternatives[i]
		if others && !s.classMatches(ctx, pools, sub) {
			return "", true
		}
		if condition, decided = s.unmetCondition(ctx, pools, sub); condition == "" && decided {
			return "", true
		}
	}
	return condition, decided
}

// classMatches reports whether the device class of a sub-request matches any GPU.
func (s *Source) classMatches(ctx context.Context, pools []*Pool, sub *subRequest) bool {
	return slices.ContainsFunc(pools, func(p *Pool) bool {
		matched := p.matchSelectors(ctx, s.expressions, sub.selectors[:sub.ofClass]).devices
		return slices.ContainsFunc(p.gpus.published, matched.Has)
	})
}

// MeantForOthers reports whether a request of the pod has an alternative whose device
// class matches no GPU of the views, one for each make of node.
func (c *Cycle) MeantForOthers(ctx context.Context, makes []*View) bool {
	pools := poolsOfViews(makes)
	for i := range c.request.requests {
		for j := range c.request.requests[i].alternatives {
			if !c.source.classMatches(ctx, pools, &c.request.requests[i].alternatives[j]) {
				return true
			}
		}
	}
	return false
}

func poolsOfViews(views []*View) []*Pool {
	pools := make([]*Pool, len(views))
	for i, view := range views {
		pools[i] = view.pool
	}
	return pools
}
