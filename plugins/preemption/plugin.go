package preemption

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	corelisters "k8s.io/client-go/listers/core/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"
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

// Plugin is DefaultPreemption: every method that is not overridden here is the in-tree one.
type Plugin struct {
	*defaultpreemption.DefaultPreemption
	handle fwk.Handle
	nodes  fwk.SharedLister
	pods   corelisters.PodLister
	// budgets are all PodDisruptionBudgets.
	budgets policylisters.PodDisruptionBudgetLister
	claims  fwk.SharedDRAManager // nil without DynamicResourceAllocation
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
	p := &Plugin{
		DefaultPreemption: inTree, handle: h, nodes: h.SnapshotSharedLister(), claims: h.SharedDRAManager(),
		pods:    h.SharedInformerFactory().Core().V1().Pods().Lister(),
		budgets: h.SharedInformerFactory().Policy().V1().PodDisruptionBudgets().Lister(),
	}
	inTree.IsEligiblePod = p.mayEnd
	return p, nil
}

// Name implements fwk.Plugin.
func (p *Plugin) Name() string { return Name }

// PostFilter ends pods of lower priority if that makes room, as DefaultPreemption does.
func (p *Plugin) PostFilter(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	if because := whyForbidden(state); because != "" {
		return framework.NewPostFilterResultWithNominatedNode(""), fwk.NewStatus(fwk.Unschedulable, because)
	}
	result, status := p.searchVictims(ctx, state, pod, statuses)
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

// searchVictims is DefaultPreemption's search, by devices for a pod that takes some.
func (p *Plugin) searchVictims(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	if !takesDevices(pod) {
		return p.DefaultPreemption.PostFilter(ctx, state, pod, statuses)
	}
	metrics.PreemptionAttempts.Inc()
	if result, status, asked := p.endChosen(ctx, state, pod, statuses); !status.IsRejected() || !asked {
		return result, status
	}
	search := p.newDeviceVictims(state)
	promising := &promisingNodes{NodeToStatusReader: statuses, rank: func(nodes []fwk.NodeInfo) []fwk.NodeInfo {
		return search.rankNodes(pod, nodes)
	}}
	return preemption.NewEvaluator(Name, p.handle, search, p.Executor).Preempt(ctx, state, pod, promising)
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
