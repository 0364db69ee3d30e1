package preemption

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
)

// Name is the plugin's name in a KubeSchedulerConfiguration. It takes the place of
// DefaultPreemption, which must be disabled.
const Name = "Preemption"

// What DefaultPreemptionArgs are by default (kube-scheduler.config.k8s.io/v1).
const (
	candidatePercentage = 10
	candidatesAtLeast   = 100
)

// noVictims is said of a pod for which pods could be ended, and none would help.
const noVictims = "ending pods of lower priority would not make room for it"

// Plugin is DefaultPreemption: every method that is not overridden here is the in-tree one. For
// pods that take devices it chooses by what is lost; see devicePreemption.
type Plugin struct {
	*defaultpreemption.DefaultPreemption
	handle fwk.Handle
	nodes  fwk.SharedLister
	clock  clock.PassiveClock
}

var (
	_ fwk.PostFilterPlugin = &Plugin{}
	_ fwk.PreEnqueuePlugin = &Plugin{}
)

// New builds the plugin. args are DefaultPreemptionArgs, nil for the defaults.
func New(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	if args == nil {
		args = &config.DefaultPreemptionArgs{MinCandidateNodesPercentage: candidatePercentage, MinCandidateNodesAbsolute: candidatesAtLeast}
	}
	inTree, err := defaultpreemption.New(ctx, args, h, feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate))
	if err != nil {
		return nil, fmt.Errorf("embedding %s: %w", defaultpreemption.Name, err)
	}
	return &Plugin{DefaultPreemption: inTree, handle: h, nodes: h.SnapshotSharedLister(), clock: clock.RealClock{}}, nil
}

// Name implements fwk.Plugin.
func (p *Plugin) Name() string { return Name }

// PostFilter ends pods of lower priority if that makes room, as DefaultPreemption does.
func (p *Plugin) PostFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	result, status := p.preempt(ctx, state, pod, statuses)
	if status.Code() != fwk.Unschedulable {
		return result, status
	}
	switch {
	case ptr.Deref(pod.Spec.PreemptionPolicy, v1.PreemptLowerPriority) == v1.PreemptNever, !p.hasLowerPriority(pod):
		return result, fwk.NewStatus(fwk.Unschedulable)
	case result != nil: // it searched, and there are no candidates
		return result, fwk.NewStatus(fwk.Unschedulable, noVictims)
	}
	return result, status
}

// preempt is DefaultPreemption's PostFilter, with a choice of our own for pods that take devices.
func (p *Plugin) preempt(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	held := deviceplacement.HeldGPUs(state)
	if held == nil {
		return p.DefaultPreemption.PostFilter(ctx, state, pod, statuses)
	}
	metrics.PreemptionAttempts.Inc()
	return newDevicePreemption(p, held).preempt(ctx, state, pod, statuses)
}

// hasLowerPriority reports whether a pod of lower priority has a node.
func (p *Plugin) hasLowerPriority(pod *v1.Pod) bool {
	nodes, err := p.nodes.NodeInfos().List()
	if err != nil {
		return true
	}
	priority := corev1.PodPriority(pod)
	return slices.ContainsFunc(nodes, func(node fwk.NodeInfo) bool {
		return slices.ContainsFunc(node.GetPods(), func(other fwk.PodInfo) bool { return corev1.PodPriority(other.GetPod()) < priority })
	})
}
