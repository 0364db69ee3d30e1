package dra

import (
	"context"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// othersCount counts the devices of one node, beside its GPUs, that a sub-request matches.
type othersCount struct{ all, held, tainted, free int }

// countOthers counts on a node, beside the GPUs that are understood.
func (c *Cycle) countOthers(ctx context.Context, node string, gpus *Pool, sub *subRequest) (count othersCount, driver string) {
	for _, pool := range c.source.pools.byNode[node] {
		matched := pool.matchSelectors(ctx, c.source.expressions, sub.selectors).devices
		for i := range pool.Devices {
			if !matched.Has(i) || pool == gpus && !slices.Contains(gpus.gpus.unsupported, i) {
				continue
			}
			driver = pool.Driver
			count.all++
			switch {
			case !toleratesTaints(&pool.Devices[i], sub.tolerations):
				count.tainted++
			case c.state.AllocatedDevices.Has(pool.ids[i]):
				count.held++
			default:
				count.free++
			}
		}
	}
	return count, driver
}

// OthersInTheWay says of each request that is meant for devices beside the GPUs, on the
// nodes of the views, why no node has enough of them; nothing where a node has, or where
// it is not known because some are published for several nodes.
func (c *Cycle) OthersInTheWay(ctx context.Context, views []*View) []UnmetRequest {
	if len(views) == 0 || c.source.pools.unmanagedPools > 0 {
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
			if condition = c.othersSentence(ctx, views, sub); condition == "" {
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
func (c *Cycle) othersSentence(ctx context.Context, views []*View, sub *subRequest) string {
	var sum othersCount
	most, where, driver := 0, "", ""
	for _, view := range views {
		count, theirs := c.countOthers(ctx, view.Node(), view.pool, sub)
		if int64(count.free) >= sub.count {
			return ""
		}
		if count.all > 0 {
			driver = theirs
		}
		if count.free > most {
			most, where = count.free, view.Node()
		}
		sum.all += count.all
		sum.held += count.held
		sum.tainted += count.tainted
	}
	what := "of class " + sub.class
	if driver != "" && driver != sub.class {
		what += fmt.Sprintf(" (driver %s)", driver)
	}
	switch {
	case sum.all == 0:
		return fmt.Sprintf("no device %s is published on a node with GPUs", what)
	case most > 0:
		return fmt.Sprintf("the most free devices %s on one node are %d (%s)", what, most, where)
	case sum.tainted > 0:
		return fmt.Sprintf("of %d devices %s %d are held, and %d have taints that are not tolerated", sum.all, what, sum.held, sum.tainted)
	}
	return fmt.Sprintf("no device %s is free: %d of %d are held", what, sum.held, sum.all)
}

// OfGPUs is a request of the pod with what each part asks for and could use, for
// suggestions. request is one of View.Requests.
func (v *View) OfGPUs(ctx context.Context, request *placement.Request) *placement.Request {
	c := v.cycle
	full := *request
	full.Parts = slices.Clone(request.Parts)
	for at := range full.Parts {
		part := &full.Parts[at]
		sub := subNamed(c.request, part.Name)
		if sub == nil {
			return request // not as it was read here
		}
		part.Usable = v.pool.usableDevices(sub, c.request.server)
		if c.request.server != nil {
			part.Asked = v.askedDevices(ctx, sub)
		}
	}
	return &full
}

// subNamed is the sub-request of a name, nil if there is none.
func subNamed(request *PodRequest, name string) *subRequest {
	for i := range request.requests {
		for j := range request.requests[i].alternatives {
			if sub := &request.requests[i].alternatives[j]; sub.name == name {
				return sub
			}
		}
	}
	return nil
}
