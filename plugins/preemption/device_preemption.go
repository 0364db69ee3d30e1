package preemption

import (
	"cmp"
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

// devicePreemption looks for the pods to end for one pod that takes devices. It differs from
// DefaultPreemption in what it counts: of victims of equal priority first the GPU time that
// is lost, then pods, on all nodes. The pods of a group count and end together.
type devicePreemption struct {
	*defaultpreemption.DefaultPreemption // a copy of the plugin's, with an order of victims of its own
	cost                                 *victimCost
}

func newDevicePreemption(p *Plugin, held func(*v1.Pod) int64) *devicePreemption {
	inTree := *p.DefaultPreemption
	d := &devicePreemption{DefaultPreemption: &inTree}
	d.cost = newVictimCost(p.handle.SharedInformerFactory().Core().V1().Pods().Lister(), held, p.clock.Now())
	inTree.MoreImportantVictim = d.moreImportant
	inTree.Evaluator = preemption.NewEvaluator(defaultpreemption.Name, p.handle, d, inTree.Executor)
	return d
}

// preempt ends pods if that makes room for the pod.
func (d *devicePreemption) preempt(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, statuses fwk.NodeToStatusReader,
) (*fwk.PostFilterResult, *fwk.Status) {
	promising := &promisingNodes{NodeToStatusReader: statuses, rank: func(nodes []fwk.NodeInfo) []fwk.NodeInfo {
		return d.rankNodes(pod, nodes)
	}}
	return d.Evaluator.Preempt(ctx, state, pod, promising)
}

// maxDryRuns is on how many nodes it is tried whom to end: each takes about as long as placing
// ten pods.
const maxDryRuns = 64

// promisingNodes are the nodes on which to try it, of those that a pod's end could help.
type promisingNodes struct {
	fwk.NodeToStatusReader
	rank func([]fwk.NodeInfo) []fwk.NodeInfo
}

// NodesForStatusCode implements fwk.NodeToStatusReader.
func (n *promisingNodes) NodesForStatusCode(lister fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	nodes, err := n.NodeToStatusReader.NodesForStatusCode(lister, code)
	if err != nil {
		return nil, err
	}
	return n.rank(nodes), nil
}

// rankNodes keeps the nodes on which least can be lost: those whose cheapest pod of lower
// priority has the lowest priority and the least GPU time. Where all are tried the order
// does not matter.
func (d *devicePreemption) rankNodes(pod *v1.Pod, nodes []fwk.NodeInfo) []fwk.NodeInfo {
	type rankedNode struct {
		node fwk.NodeInfo
		loss victimLoss
	}
	priority := corev1.PodPriority(pod)
	var all []rankedNode
	for _, node := range nodes {
		var least *victimLoss
		for _, other := range node.GetPods() {
			if corev1.PodPriority(other.GetPod()) >= priority {
				continue
			}
			if loss := d.cost.ofPods([]*v1.Pod{other.GetPod()}); least == nil || loss.compare(*least) < 0 {
				least = &loss
			}
		}
		if least != nil {
			all = append(all, rankedNode{node, *least})
		}
	}
	if len(all) > maxDryRuns {
		slices.SortStableFunc(all, func(a, b rankedNode) int {
			return cmp.Or(a.loss.compare(b.loss), cmp.Compare(a.node.Node().Name, b.node.Node().Name))
		})
		all = all[:maxDryRuns]
	}
	kept := make([]fwk.NodeInfo, len(all))
	for i := range all {
		kept[i] = all[i].node
	}
	return kept
}

// GetOffsetAndNumCandidates implements preemption.Interface: all nodes are tried.
func (d *devicePreemption) GetOffsetAndNumCandidates(nodes int32) (int32, int32) { return 0, nodes }

// SelectVictimsOnNode implements preemption.Interface. Pods of a group end with the rest of it;
// where one of these may not be ended, none is.
func (d *devicePreemption) SelectVictimsOnNode(
	ctx context.Context, state fwk.CycleState, preemptor *v1.Pod, node fwk.NodeInfo,
	possible []*preemption.DomainVictim, pdbs []*policy.PodDisruptionBudget,
) ([]*v1.Pod, int, *fwk.Status) {
	priority := corev1.PodPriority(preemptor)
	allowed := slices.DeleteFunc(slices.Clone(possible), func(victim *preemption.DomainVictim) bool {
		return slices.ContainsFunc(victim.Pods(), func(one fwk.PodInfo) bool {
			return slices.ContainsFunc(d.cost.groupOf(one.GetPod()), func(mate *v1.Pod) bool { return corev1.PodPriority(mate) >= priority })
		})
	})
	victims, violations, status := d.DefaultPreemption.SelectVictimsOnNode(ctx, state, preemptor, node, allowed, pdbs)
	if !status.IsSuccess() {
		return victims, violations, status
	}
	whole := d.cost.withGroups(victims)
	slices.SortStableFunc(whole, func(a, b *v1.Pod) int { return cmp.Compare(corev1.PodPriority(b), corev1.PodPriority(a)) })
	return whole, violations + violatedBy(whole, victims, pdbs), status
}

// OrderedScoreFuncs implements preemption.Interface.
func (d *devicePreemption) OrderedScoreFuncs(_ context.Context, victims map[string]*extenderv1.Victims) []func(string) int64 {
	losses := make(map[string]victimLoss, len(victims))
	names := make([]string, 0, len(victims))
	for node, on := range victims {
		losses[node] = d.cost.ofPods(on.Pods)
		names = append(names, node)
	}
	slices.Sort(names)
	return []func(string) int64{
		func(node string) int64 { return -victims[node].NumPDBViolations },
		func(node string) int64 { return -losses[node].priority },
		func(node string) int64 { return -losses[node].gpuTime },
		func(node string) int64 { return -losses[node].pods },
		func(node string) int64 { // the one that has run for the shortest time
			if started := util.GetEarliestPodStartTime(victims[node]); started != nil {
				return started.UnixNano()
			}
			return 0
		},
		func(node string) int64 { return -int64(slices.Index(names, node)) },
	}
}

// moreImportant orders victims for DefaultPreemption, which spares the important ones first.
func (d *devicePreemption) moreImportant(a, b preemption.Victim) bool {
	lossOf := func(victim preemption.Victim) victimLoss {
		var pods []*v1.Pod
		for _, one := range victim.Pods() {
			pods = append(pods, one.GetPod())
		}
		return d.cost.ofPods(d.cost.withGroups(pods))
	}
	if order := lossOf(a).compare(lossOf(b)); order != 0 {
		return order > 0
	}
	return preemption.MoreImportantVictim(a, b)
}
