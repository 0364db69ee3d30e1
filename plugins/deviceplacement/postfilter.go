package deviceplacement

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PostFilter lets the in-tree plugin give back allocations that are in the way,
// and adds to the pod's status why nothing fits and what would.
func (p *Plugin) PostFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	p.pending.schedules.Store(true) // its PreFilter is not asked if another's refuses the pod
	trace := traceOf(state)
	ctx, step := trace.StartStep(ctx, "PostFilter")
	refused := p.refusePod(ctx, state, pod, statuses)
	p.pending.noteCause(pod, refused.cause)
	step.NoteText(tracing.CauseKey, string(refused.cause))
	step.EndStep(refused.status)
	if trace != nil {
		trace.EndCycle(tracing.Refused, p.refusalText(pod, statuses, refused.status))
	}
	return refused.result, refused.status
}

// podRefusal is what PostFilter says of a pod.
type podRefusal struct {
	result *fwk.PostFilterResult
	status *fwk.Status
	// cause is why it waits, "" if it is tried again at once.
	cause metrics.PendingCause
}

// unansweredWords is what a pod is told that may be bound.
const unansweredWords = "it may be bound already: the API server did not answer, and its devices are kept until it does"

// refusePod finds out why nothing fits.
func (p *Plugin) refusePod(ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader) podRefusal {
	if c := cycleOf(state); c != nil && c.group != nil {
		refused := podRefusal{status: p.planAnew(c.group, pod)}
		if c.group.place == nil {
			// A node that it is nominated for would be kept from others, and it does not go there.
			refused.result, refused.cause = framework.NewPostFilterResultWithNominatedNode(""), metrics.GroupWaits
		}
		return refused
	}
	if c := cycleOf(state); c != nil && c.narrowed {
		return podRefusal{status: p.askTheRest(ctx, pod)}
	}
	if p.stillKeepsClaims(ctx, pod) { // the in-tree plugin would take them from a pod that may run
		return podRefusal{cause: metrics.Reserved, status: fwk.NewStatus(fwk.UnschedulableAndUnresolvable, unansweredWords)}
	}
	result, status := p.DynamicResources.PostFilter(ctx, state, pod, statuses)
	if errors.Is(status.AsError(), fwk.ErrNotFound) {
		// Another plugin refused the pod before this one's PreFilter: nothing was looked at.
		return podRefusal{status: fwk.NewStatus(fwk.Unschedulable), cause: causeElsewhere(state, pod)}
	}
	if status.Code() != fwk.Unschedulable {
		return podRefusal{result, status, metrics.Releasing}
	}
	c := cycleOf(state)
	if node := p.awaitedNode(c, pod); node != "" {
		// Ends the search for victims: the pod keeps its node and comes again when the
		// claims are released.
		return podRefusal{cause: metrics.Releasing, status: fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("waits until the devices of pods that ended on node %s are released", node))}
	}
	p.awaitBindings(pod)
	p.spareVictims(ctx, state, c, pod)
	explaining, step := tracing.StartStep(ctx, "Explain")
	explanation := p.explainPod(explaining, state, pod, statuses, p.options.ExplainTimeout)
	step.EndStep(nil)
	text := explanation.StatusText(roomInStatus(pod, statuses, len(p.listNodes())))
	klog.FromContext(ctx).V(4).Info("Explained why the pod does not fit", "pod", klog.KObj(pod), "took", explanation.took, "explanation", text)
	if text != "" {
		status = fwk.NewStatus(fwk.Unschedulable, text)
	}
	return podRefusal{result, status, p.pendingCause(explanation, state, pod, statuses)}
}

// askTheRest brings a pod back at once whose candidates were all refused by other plugins, so
// that all nodes are asked. Nobody may be ended for it before.
func (p *Plugin) askTheRest(ctx context.Context, pod *v1.Pod) *fwk.Status {
	p.refusedNarrow.rememberPod(pod.UID)
	p.tryAtOnce(klog.FromContext(ctx), pod)
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "the nodes with the best devices were asked first, and the others are asked next")
}

// leastRoom is how many characters an explanation may have however much the nodes say.
const leastRoom = 160

// roomInStatus is how many characters are left for an explanation behind what the nodes
// say.
func roomInStatus(pod *v1.Pod, statuses fwk.NodeToStatusReader, nodes int) int {
	unfit, ok := unfitText(pod, statuses, nodes)
	if !ok {
		return statusLimit / 2
	}
	return max(leastRoom, statusLimit-len(unfit)-1)
}

// unfitText is what the scheduler says of the nodes; false if that is not known here.
func unfitText(pod *v1.Pod, statuses fwk.NodeToStatusReader, nodes int) (string, bool) {
	refused, ok := statuses.(*framework.NodeToStatus)
	if !ok || refused == nil {
		return "", false
	}
	unfit := framework.FitError{Pod: pod, NumAllNodes: nodes, Diagnosis: framework.Diagnosis{NodeToStatus: refused}}
	return unfit.Error(), true
}

// awaitedNode is the node that the pod is nominated for, if devices there are about to be
// released, or were while the pod was looked at; "" otherwise. The nomination is the
// scheduler's own: the pod's status may not say so yet.
func (p *Plugin) awaitedNode(c *podCycle, pod *v1.Pod) string {
	if c == nil {
		return ""
	}
	nominated := func(other fwk.PodInfo) bool { return other.GetPod().UID == pod.UID }
	for _, node := range p.source.NodeNames() {
		if slices.ContainsFunc(p.nominator.NominatedPodsForNode(node), nominated) {
			if slices.Contains(p.source.ReleasingNodes(), node) || !p.source.AllocationsOnTheWay() && heldByNobody(c, node) {
				return node
			}
			return ""
		}
	}
	return ""
}

// heldByNobody reports whether the cycle counts devices of a node as held that no claim
// holds any more. It cannot tell those from devices whose allocation is on the way.
func heldByNobody(c *podCycle, node string) bool {
	view := c.ViewNode(node, nil)
	if view == nil {
		return false
	}
	state, err := view.State()
	return err == nil && slices.ContainsFunc(state.Allocations(), func(a placement.Allocation) bool { return a.Holder == "" })
}

// refusedHere lists the nodes that only lack devices: no other plugin, such as the
// one for node affinity, has refused them before.
func (p *Plugin) refusedHere(statuses fwk.NodeToStatusReader) []string {
	var nodes []string
	for _, name := range p.source.NodeNames() {
		if status := statuses.Get(name); status != nil && status.Plugin() == Name {
			nodes = append(nodes, name)
		}
	}
	return nodes
}
