package deviceplacement

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	inTree "k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

const causeKey fwk.StateKey = Name + "/cause"

// refusedBefore is in the state of a cycle why PreFilter refused its pod.
type refusedBefore struct{ cause metrics.PendingCause }

// Clone implements fwk.StateData.
func (r refusedBefore) Clone() fwk.StateData { return r }

// pendingPods remembers why pods wait. It is safe for concurrent use; the zero value remembers
// none.
type pendingPods struct {
	// schedules says that this process has tried a pod: one that only stands by knows nothing.
	schedules atomic.Bool

	mutex  sync.Mutex
	causes map[types.UID]metrics.PendingCause
}

// noteCause remembers why a pod waits; "" forgets it.
func (p *pendingPods) noteCause(pod *v1.Pod, cause metrics.PendingCause) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if cause == "" {
		delete(p.causes, pod.UID)
		return
	}
	if p.causes == nil {
		p.causes = map[types.UID]metrics.PendingCause{}
	}
	p.causes[pod.UID] = cause
}

// causeOf is why a pod waits, "" if that is not known.
func (p *pendingPods) causeOf(pod *v1.Pod) metrics.PendingCause {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.causes[pod.UID]
}

// measurePending counts the pods of this profile that have no node, by cause; nil as long as it has tried none.
func (p *Plugin) measurePending() map[metrics.PendingCause]metrics.PendingPods {
	if !p.pending.schedules.Load() {
		return nil
	}
	pods, err := p.pods.List(labels.Everything())
	if err != nil {
		return nil
	}
	p.pending.mutex.Lock()
	defer p.pending.mutex.Unlock()
	all := map[metrics.PendingCause]metrics.PendingPods{}
	for _, pod := range pods {
		if !p.waitsHere(pod) {
			continue
		}
		cause := p.pending.causes[pod.UID]
		switch {
		case len(pod.Spec.SchedulingGates) > 0:
			cause = metrics.Gated
		case cause == "":
			cause = metrics.NotTried
		}
		all[cause] = all[cause].AddPod(pod.CreationTimestamp.Time)
	}
	return all
}

// causeBefore is why PreFilter refuses a pod.
func causeBefore(state fwk.CycleState) metrics.PendingCause {
	if c := cycleOf(state); c != nil && c.group != nil {
		return metrics.GroupWaits
	}
	return metrics.PodInvalid
}

// causeElsewhere is why a pod waits of whose devices nothing was found out in its cycle.
func causeElsewhere(state fwk.CycleState, pod *v1.Pod) metrics.PendingCause {
	if data, err := state.Read(causeKey); err == nil {
		if before, ok := data.(refusedBefore); ok {
			return before.cause
		}
	}
	if _, ok := groupOf(pod); ok {
		return metrics.GroupWaits
	}
	return metrics.OtherPlugins
}

// pendingCause is why the pod waits: of several reasons that for which something must be given back,
// rather than that some node has nothing of the kind.
func (p *Plugin) pendingCause(e *podExplanation, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader) metrics.PendingCause {
	switch {
	case len(e.unserved) > 0 || e.nothingPublished:
		return metrics.NothingServes
	case e.tooSmall:
		return metrics.ModelTooLarge
	case e.Explanation != nil && len(e.FitsAlready) > 0:
		return metrics.OtherPlugins
	case e.Explanation != nil && len(e.Undecided) > 0:
		return metrics.PendingCause(placement.Unresolved)
	case e.Explanation != nil && len(e.Refusals) > 0:
		for i := range e.Refusals {
			if code := e.Refusals[i].Reason.Code; code != placement.NoMatch {
				return metrics.PendingCause(code)
			}
		}
		return metrics.PendingCause(placement.NoMatch)
	case len(e.unmet) > 0:
		return metrics.PendingCause(placement.NoMatch)
	case len(e.inTheWay) > 0:
		return metrics.PendingCause(placement.Unsupplied)
	}
	if counted := countedOf(state); counted != nil {
		return p.countedCause(counted, statuses)
	}
	return causeElsewhere(state, pod)
}

// countedCause is why a pod waits that a device plugin's GPUs are to serve.
func (p *Plugin) countedCause(c *countedCycle, statuses fwk.NodeToStatusReader) metrics.PendingCause {
	cause := metrics.OtherPlugins
	for _, node := range p.listNodes() {
		status := statuses.Get(node.Node().Name)
		switch {
		case status == nil || !p.counted.ServesAny(c.request, node):
		case status.Plugin() == Name:
			if status.Code() == fwk.Unschedulable {
				return metrics.PendingCause(placement.MemoryShort)
			}
			cause = metrics.ModelTooLarge
		case status.Plugin() == inTree.NodeResourcesFit && lacksAny(status, c.request.Names()):
			return metrics.PendingCause(placement.GPUsBusy)
		}
	}
	return cause
}

// lacksAny reports whether kube-scheduler refused a node because too few of some resources are
// left.
func lacksAny(status *fwk.Status, names []v1.ResourceName) bool {
	return slices.ContainsFunc(names, func(name v1.ResourceName) bool {
		return slices.ContainsFunc(status.Reasons(), func(reason string) bool { return strings.Contains(reason, string(name)) })
	})
}
