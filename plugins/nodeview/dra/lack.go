package dra

import (
	"context"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

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
	all, free, taken, tainted, shareable := int64(0), int64(0), 0, 0, false
	v.eachOther(ctx, sub, func(p *Pool, device int, isFree bool) {
		all++
		switch {
		case isFree:
			free++
			shareable = shareable || isShareable(&p.Devices[device])
		case !toleratesTaints(&p.Devices[device], sub.tolerations):
			tainted++
		default:
			taken++
		}
	})
	want := max(1, sub.count)
	if sub.unsupportedReason != "" {
		want = 1 // what "all" are is for the in-tree code to say
	}
	if free >= want || shareable || ctx.Err() != nil {
		return ""
	}
	var causes []string
	if taken > 0 {
		causes = append(causes, fmt.Sprintf("%d of %d %s taken", taken, all, isOrAre(taken)))
	}
	if tainted > 0 {
		causes = append(causes, fmt.Sprintf("%d of %d %s tainted", tainted, all, isOrAre(tainted)))
	}
	if taken+tainted == 0 {
		causes = append(causes, fmt.Sprintf("there %s %d", isOrAre(int(all)), all))
	}
	have := "no free device"
	if want > 1 {
		have = fmt.Sprintf("fewer than %d free devices", want)
	}
	return fmt.Sprintf("node(s) have %s of class %s (%s)", have, sub.class, strings.Join(causes, ", "))
}

func isOrAre(count int) string {
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
