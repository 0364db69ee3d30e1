package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
	"github.com/ashlar-dev/ashlar/plugins/tracing"
)

// PreFilter runs the in-tree PreFilter on placeholders and reads the pod. A pod without
// GPUs goes on at once: nothing below looks at it.
func (p *Plugin) PreFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) (*fwk.PreFilterResult, *fwk.Status) {
	state.Delete(cycleKey)
	state.Delete(countedKey)
	state.Delete(scoresKey)
	state.Delete(causeKey)
	p.pending.schedules.Store(true)
	if state.IsPodGroupSchedulingCycle() {
		nodes = p.placementNodes(nodes)
	}
	trace := p.beginTrace(state, pod)
	ctx, step := trace.StartStep(ctx, "PreFilter")
	result, status := p.readPod(ctx, state, pod, nodes)
	step.NoteCount(tracing.NodesKey, len(nodes))
	if result != nil && result.NodeNames != nil {
		step.NoteCount(tracing.CandidatesKey, result.NodeNames.Len())
	}
	if status.IsRejected() {
		state.Write(causeKey, refusedBefore{causeBefore(state)})
	}
	step.EndStep(status)
	return result, status
}

// readPod reads what the pod asks for and finds the nodes to ask.
func (p *Plugin) readPod(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) (*fwk.PreFilterResult, *fwk.Status) {
	counted, refused := p.readCounted(pod, nodes)
	// Also for a pod that is refused: the in-tree PostFilter asks for what this leaves.
	var candidates []string
	var refusals *nodeRefusals
	var answer *groupAnswer
	group := groupcycle.GroupOf(state)
	held := p.heldForOthers(group, pod)
	cycle, result, status := p.source.PreFilter(ctx, state, pod, nodes, func(c *dra.Cycle) []string {
		if group != nil && counted == nil {
			answer = p.answerGroup(ctx, c, group, pod, nodes)
		}
		switch {
		case answer == nil:
			candidates, refusals = p.narrowNodes(ctx, c, pod, nodes, held)
		case answer.place != nil:
			candidates = []string{answer.place.node}
		default:
			candidates = []string{}
		}
		return candidates
	})
	p.announceTwins(nodes)
	if refused != nil {
		return nil, cutStatus(refused)
	}
	if cycle != nil || counted != nil {
		claimed := int64(0)
		if cycle != nil {
			claimed = cycle.Request().MostDevices()
		}
		if because := modelmemory.CannotStart(pod, claimed); because != "" {
			return nil, cutStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, because))
		}
	}
	if cycle != nil {
		preemption.NoteHeld(state, cycle.MilliGPUsOf)
		p.noteVictimSearch(state, cycle, pod, held)
		state.Write(cycleKey, &podCycle{Cycle: cycle, narrowed: candidates != nil, refusals: refusals, group: answer, held: held})
		if answer != nil && answer.place == nil {
			return nil, cutStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, answer.refusal))
		}
		if candidates != nil {
			result = result.Merge(&fwk.PreFilterResult{NodeNames: sets.New(candidates...)})
		}
		p.announceDoubts(pod, modelmemory.SeparateDoubt(pod))
	}
	if counted != nil {
		state.Write(countedKey, counted)
		p.announceDoubts(pod, "")
		if status.IsSkip() && (counted.claimed != nil || p.counted.MayRefuse(counted.request)) {
			status = nil // nodes are asked about memory, and whether claims hold their GPUs
		}
	}
	if status.IsRejected() {
		status = cutStatus(fwk.NewStatus(status.Code(), p.withClasses(status.Reasons())...))
	}
	return result, status
}

// placementNodes are the nodes of the placement that kube-scheduler tries for a group of its own kind, all
// if it tries none.
func (p *Plugin) placementNodes(nodes []fwk.NodeInfo) []fwk.NodeInfo {
	placed, ok := p.lister.(interface {
		ListNodesInPlacement() ([]fwk.NodeInfo, error)
	})
	if !ok {
		return nodes
	}
	if among, err := placed.ListNodesInPlacement(); err == nil {
		return among
	}
	return nodes
}
