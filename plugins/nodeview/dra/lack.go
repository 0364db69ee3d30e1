package dra

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/dynamic-resource-allocation/structured"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// deviceTally counts devices that a sub-request's selectors accept: a node's, or those of
// several nodes, where a device that they share counts once.
type deviceTally struct {
	all, free, taken, tainted int64
	// endless says that a free one may be shared, by how many is not known.
	endless bool
	driver  string
	counted map[structured.DeviceID]bool
}

// tallyOthers adds the devices of the view's node beside its GPUs to a tally.
func (v *View) tallyOthers(ctx context.Context, sub *subRequest, t *deviceTally) {
	v.eachOther(ctx, sub, func(p *Pool, device int, free bool) { t.addDevice(p, device, sub, free) })
}

// addDevice counts a device of a pool that is free for a sub-request or not.
func (t *deviceTally) addDevice(p *Pool, device int, sub *subRequest, free bool) {
	if t.counted[p.deviceNames()[device]] {
		return
	}
	if t.counted == nil {
		t.counted = map[structured.DeviceID]bool{}
	}
	t.counted[p.deviceNames()[device]] = true
	t.driver = p.Driver
	t.all++
	switch {
	case free:
		t.free++
		t.endless = t.endless || isShareable(&p.Devices[device])
	case !toleratesTaints(&p.Devices[device], sub.tolerations):
		t.tainted++
	default:
		t.taken++
	}
}

// WhyNotAll says which request for all matching GPUs cannot have one of them: "node(s) have
// matching GPUs that are not free (1 of 8 is taken), and request gpu takes all"; "" if each
// may have all as far as is known.
func (v *View) WhyNotAll(ctx context.Context) string {
	for i := range v.cycle.request.requests {
		request := &v.cycle.request.requests[i]
		sub := &request.alternatives[0]
		if len(request.alternatives) > 1 || !sub.takesAll || sub.adminAccess {
			continue
		}
		matched := v.pool.matchSelectors(ctx, v.cycle.source.expressions, sub.selectors).devices
		var tally deviceTally
		for _, at := range v.pool.gpus.published {
			if matched.Has(at) {
				tally.addDevice(v.pool, at, sub, v.cycle.isFree(v.pool, at, sub))
			}
		}
		if tally.free < tally.all && ctx.Err() == nil {
			return fmt.Sprintf("node(s) have matching GPUs that are not free (%s), and request %s takes all", tally.describeUse(), sub.name)
		}
	}
	return ""
}

// wantedOthers is how many devices serve a sub-request at least: what "all" are is for the
// in-tree code to say.
func wantedOthers(sub *subRequest) int64 {
	if sub.unsupportedReason != "" {
		return 1
	}
	return max(1, sub.count)
}

// hasEnough reports whether the devices of a tally may serve a sub-request.
func (t *deviceTally) hasEnough(sub *subRequest) bool {
	return t.endless || t.free >= wantedOthers(sub)
}

// describeUse says what the devices are that are not free: "2 of 3 are taken, 1 of 3 is tainted".
func (t *deviceTally) describeUse() string {
	var causes []string
	if t.taken > 0 {
		causes = append(causes, fmt.Sprintf("%d of %d %s taken", t.taken, t.all, isOrAre(t.taken)))
	}
	if t.tainted > 0 {
		causes = append(causes, fmt.Sprintf("%d of %d %s tainted", t.tainted, t.all, isOrAre(t.tainted)))
	}
	if len(causes) == 0 {
		return fmt.Sprintf("there %s %d", isOrAre(t.all), t.all)
	}
	return strings.Join(causes, ", ")
}

// WhyOthersLack says which request that only devices of other drivers can serve has too few
// free ones on the node: "node(s) have no free device of class rdma.example.com (2 of 2 are
// taken)". It is "" if each may be served.
func (v *View) WhyOthersLack(ctx context.Context) string {
	for i := range v.cycle.request.requests {
		request := &v.cycle.request.requests[i]
		because := ""
		for j := range request.alternatives {
			sub := &request.alternatives[j]
			if sub.adminAccess || v.providedByPlugin(request) || !v.servedByOthers(ctx, sub) {
				because = ""
				break
			}
			if because = v.whyLacking(ctx, sub); because == "" {
				break
			}
		}
		if because != "" {
			return because
		}
	}
	return ""
}

// whyLacking is WhyOthersLack for one alternative.
func (v *View) whyLacking(ctx context.Context, sub *subRequest) string {
	var tally deviceTally
	v.tallyOthers(ctx, sub, &tally)
	if tally.hasEnough(sub) || ctx.Err() != nil {
		return ""
	}
	have := "no free device"
	if want := wantedOthers(sub); want > 1 {
		have = fmt.Sprintf("fewer than %d free devices", want)
	}
	return fmt.Sprintf("node(s) have %s of class %s (%s)", have, sub.class, tally.describeUse())
}

func isOrAre(count int64) string {
	if count == 1 {
		return "is"
	}
	return "are"
}

// WhyUnsupplied says what the free devices of others have not in common with free GPUs, if a
// verdict on the node says that this is in the way; "" otherwise.
func (v *View) WhyUnsupplied(ctx context.Context, verdict *placement.Verdict) string {
	if len(verdict.Reasons) == 0 || verdict.Reasons[0].Code != placement.Unsupplied {
		return ""
	}
	for r := range v.cycle.request.constraints {
		rule := &v.cycle.request.constraints[r]
		for _, about := range rule.requests {
			for j := range v.cycle.request.requests[about.request].alternatives {
				sub := &v.cycle.request.requests[about.request].alternatives[j]
				if !rule.distinct && !sub.adminAccess && v.servedByOthers(ctx, sub) {
					return fmt.Sprintf("node(s) have no free device of class %s with the %s of enough free GPUs", sub.class, rule.attribute)
				}
			}
		}
	}
	return ""
}
