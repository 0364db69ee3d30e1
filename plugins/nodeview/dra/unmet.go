package dra

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/nearest"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// UnmetRequest is a request of a pod that no GPU satisfies by what it is, whoever holds
// it, or a constraint between requests that none can.
type UnmetRequest struct {
	// Request is the request's name, with that of the alternative where there are several, ""
	// for a constraint.
	Request string
	// Condition says what no GPU satisfies, and what there is instead.
	Condition string
	// Decided is false if the search ended before that was found out; Condition is "" then.
	Decided bool
	// Hopeful says that a change of the request may help, and Advises that the condition
	// names one.
	Hopeful, Advises bool
}

// UnmetRequests lists the requests of which no alternative can be satisfied by the GPUs
// of the views. It speaks of the last alternative, which asks the least. Where there are
// others, devices that are not viewed, a request whose device class matches no GPU is
// taken to be meant for those.
func (c *Cycle) UnmetRequests(ctx context.Context, views []*View, others bool) []UnmetRequest {
	var unmet []UnmetRequest
	for i := range c.request.requests {
		request := &c.request.requests[i]
		if found := c.unmetByAll(ctx, views, request, others); found != nil {
			unmet = append(unmet, *found)
		}
	}
	if len(unmet) > 0 {
		return unmet
	}
	for i := range c.request.constraints {
		if condition := c.unmetConstraint(ctx, views, &c.request.constraints[i]); condition != "" {
			unmet = append(unmet, UnmetRequest{Condition: condition, Decided: true})
		}
	}
	return unmet
}

// unmetByAll says what no GPU satisfies of a request, if no alternative can be
// satisfied; nil otherwise. Alternatives that no GPU is meant for count for nothing if
// others cannot serve them either.
func (c *Cycle) unmetByAll(ctx context.Context, views []*View, request *deviceRequest, others bool) *UnmetRequest {
	var last *UnmetRequest
	for i := range request.alternatives {
		sub := &request.alternatives[i]
		if others && !c.source.classMatches(ctx, poolsOfViews(OneOfEachMake(views)), sub) {
			if condition, _ := c.othersSentence(ctx, views, sub); condition == "" {
				return nil
			}
			continue
		}
		found := c.unmetAlternative(ctx, views, sub)
		if found == nil {
			return nil
		}
		found.Request = sub.name
		last = found
	}
	return last
}

// unmetAlternative says what no GPU satisfies of a sub-request, nil if one does.
func (c *Cycle) unmetAlternative(ctx context.Context, views []*View, sub *subRequest) *UnmetRequest {
	var selected []*View
	var found []poolMismatch
	for _, view := range views {
		m := view.pool.mismatchOf(ctx, c.source.expressions, sub, c.request.server)
		switch m.kind {
		case noMismatch:
			return nil
		case notSelected:
		default:
			selected, found = append(selected, view), append(found, m)
		}
	}
	if len(selected) > 0 {
		hopeful := !slices.ContainsFunc(found, func(m poolMismatch) bool { return m.kind != tooSmall })
		shares := slices.ContainsFunc(found, func(m poolMismatch) bool { return m.form == placement.Share })
		return &UnmetRequest{Condition: mismatchSentence(selected, found), Decided: true, Hopeful: hopeful, Advises: hopeful && shares}
	}
	condition, decided := c.source.unmetCondition(ctx, gpusOf(poolsOfViews(OneOfEachMake(views))), sub)
	if condition == "" && decided {
		condition = "no GPU satisfies all conditions of its selectors at once"
	}
	return &UnmetRequest{Condition: condition, Decided: decided}
}

// unmetConstraint says which attribute a constraint names that no GPU has of those that
// its requests are meant for; "" if some have it, or if no GPU is meant.
func (c *Cycle) unmetConstraint(ctx context.Context, views []*View, rule *constraintRule) string {
	asked := false
	names := map[string]bool{}
	for _, view := range OneOfEachMake(views) {
		for _, about := range rule.requests {
			for _, sub := range c.request.alternativesOf(about) {
				accepted := view.askedDevices(ctx, sub)
				for i := range view.pool.gpus.published {
					if !accepted.Has(i) {
						continue
					}
					asked = true
					if _, has := view.pool.attributeOf(i, rule.attribute); has {
						return ""
					}
					view.pool.addAttributeNames(names, view.pool.gpus.published[i])
				}
			}
		}
	}
	if !asked {
		return ""
	}
	field := "matchAttribute"
	if rule.distinct {
		field = "distinctAttribute"
	}
	attribute := string(rule.attribute)
	domain, short, _ := strings.Cut(attribute, "/")
	instead := ""
	if near := nearest.Names(short, namesInDomain(domain, names)); len(near) > 0 {
		instead = fmt.Sprintf("; did you mean %s/%s?", domain, near[0])
	} else if published := inOtherDomain(attribute, sortedNames(names)); published != "" {
		instead = "; they publish " + published
	}
	return fmt.Sprintf("no GPU has the attribute %s that %s of the claim names%s", attribute, field, instead)
}

// classMatches reports whether the device class of a sub-request matches any GPU.
func (s *Source) classMatches(ctx context.Context, pools []*Pool, sub *subRequest) bool {
	return slices.ContainsFunc(pools, func(p *Pool) bool {
		matched := p.matchSelectors(ctx, s.expressions, sub.selectors[:sub.ofClass]).devices
		return slices.ContainsFunc(p.gpus.published, matched.Has)
	})
}

// MeantForOthers reports whether a request of the pod has an alternative whose device
// class matches no GPU of the views.
func (c *Cycle) MeantForOthers(ctx context.Context, views []*View) bool {
	pools := poolsOfViews(OneOfEachMake(views))
	for i := range c.request.requests {
		for j := range c.request.requests[i].alternatives {
			if !c.source.classMatches(ctx, pools, &c.request.requests[i].alternatives[j]) {
				return true
			}
		}
	}
	return false
}

// OneOfEachMake picks one view of each inventory.
func OneOfEachMake(views []*View) []*View {
	seen := map[*placement.Inventory]bool{}
	var makes []*View
	for _, view := range views {
		if !seen[view.Inventory()] {
			seen[view.Inventory()] = true
			makes = append(makes, view)
		}
	}
	return makes
}

func poolsOfViews(views []*View) []*Pool {
	pools := make([]*Pool, len(views))
	for i, view := range views {
		pools[i] = view.pool
	}
	return pools
}
