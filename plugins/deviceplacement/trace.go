package deviceplacement

import (
	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

const traceKey fwk.StateKey = Name + "/trace"

// cycleTrace is a trace in a cycle's state.
type cycleTrace struct{ *tracing.CycleTrace }

// Clone implements fwk.StateData: copies of the state are of the same attempt.
func (t cycleTrace) Clone() fwk.StateData { return t }

// beginTrace begins the trace of a pod that may ask for GPUs, and ends that of the last cycle
// if nobody did.
func (p *Plugin) beginTrace(state fwk.CycleState, pod *v1.Pod) *tracing.CycleTrace {
	if !tracing.IsEnabled() {
		return nil
	}
	state.Delete(traceKey)
	if len(pod.Spec.ResourceClaims) == 0 && len(extendedResources(pod)) == 0 && !deviceplugin.AsksForGPUs(pod) {
		return nil
	}
	trace := tracing.BeginCycle(pod)
	p.lastTrace.Swap(trace).EndAbandoned()
	if trace != nil {
		state.Write(traceKey, cycleTrace{trace})
	}
	return trace
}

// traceOf is the trace of a cycle, nil if there is none.
func traceOf(state fwk.CycleState) *tracing.CycleTrace {
	if !tracing.IsEnabled() {
		return nil
	}
	if data, err := state.Read(traceKey); err == nil {
		if t, ok := data.(cycleTrace); ok {
			return t.CycleTrace
		}
	}
	return nil
}

// gotBy says what a pod got in Reserve, "" if that was nothing.
func gotBy(state fwk.CycleState) string {
	if c := cycleOf(state); c != nil && c.got != "" {
		return c.got
	}
	if counted := countedOf(state); counted != nil {
		return counted.got
	}
	return ""
}

// refusalText is why a pod was refused: what the scheduler says of the nodes, and what was found out.
func (p *Plugin) refusalText(pod *v1.Pod, statuses fwk.NodeToStatusReader, status *fwk.Status) string {
	text := status.Message()
	if refused, ok := statuses.(*framework.NodeToStatus); !ok || refused.Len() == 0 {
		return text // no node was asked
	}
	unfit, known := unfitText(pod, statuses, len(p.listNodes()))
	switch {
	case !known:
		return text
	case text == "":
		return unfit
	default:
		return unfit + " " + text
	}
}

// noteAnswer notes where a group's pod goes, or why the group does not fit.
func noteAnswer(step *tracing.CycleStep, answer *groupAnswer) {
	switch {
	case answer == nil: // it is placed by itself
	case answer.place == nil:
		step.NoteText(tracing.RefusalKey, answer.refusal)
	default:
		step.NoteText(tracing.NodeKey, answer.place.node)
	}
}
