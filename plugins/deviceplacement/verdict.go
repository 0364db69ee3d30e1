package deviceplacement

import (
	"context"
	"slices"
	"time"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// nodeVerdict is placement's answer for one node.
type nodeVerdict struct {
	placement.Verdict
	// request is what the verdict is about.
	request *placement.Request
	// final says that a refusal needs no second opinion.
	final bool
}

// placeOn asks placement for the most preferred combination of alternatives that fits in
// a state. If none does, the verdict is about the first.
func (p *Plugin) placeOn(ctx context.Context, view nodeview.View, gpus placement.GPUStates) nodeVerdict {
	start := time.Now()
	verdict, asked := p.placeFirst(ctx, view, gpus)
	if !asked {
		metrics.CountUnsupported()
		return verdict
	}
	metrics.ObserveDecision(&verdict.Verdict, time.Since(start))
	return verdict
}

// placeFirst reports false if the pod asks for something that is not understood.
func (p *Plugin) placeFirst(ctx context.Context, view nodeview.View, gpus placement.GPUStates) (nodeVerdict, bool) {
	first := nodeVerdict{Verdict: placement.Verdict{Outcome: placement.Undecided}}
	asked := false
	for request := range view.Requests(ctx) {
		verdict := placement.Place(view.Inventory(), gpus, request, p.options.Policy)
		if verdict.Outcome != placement.Refused {
			return nodeVerdict{Verdict: verdict, request: request}, true
		}
		if !asked {
			first, asked = nodeVerdict{Verdict: verdict, request: request}, true
		}
	}
	if asked {
		first.final = view.DecidedHere(ctx)
	}
	return first, asked
}

// refusalStatus turns a refusal into a status. Nodes where something is in use may fit
// once it is gone, which is what preemption looks for.
func (v *nodeVerdict) refusalStatus(ctx context.Context, view *dra.View, inUse bool) *fwk.Status {
	code := fwk.UnschedulableAndUnresolvable
	if inUse {
		code = fwk.Unschedulable
	}
	if because := view.WhyUnsupplied(ctx, &v.Verdict); because != "" {
		return fwk.NewStatus(fwk.Unschedulable, because)
	}
	if because := view.WhyUsedUp(ctx); because != "" && v.Reasons[0].Code == placement.MemoryShort {
		return fwk.NewStatus(fwk.Unschedulable, because)
	}
	reasons := nodeReasons(ctx, view, v.request, v.Reasons)
	busy := slices.ContainsFunc(v.Reasons, func(reason placement.Reason) bool { return reason.Code != placement.NoMatch })
	if held := view.HeldThroughOthers(); held != "" && busy {
		for i := range reasons {
			reasons[i] += " (" + held + ")"
		}
	}
	return fwk.NewStatus(code, reasons...)
}

func anyHeld(gpus placement.GPUStates) bool {
	return slices.ContainsFunc(gpus, func(gpu placement.GPUState) bool { return !gpu.Free() })
}
