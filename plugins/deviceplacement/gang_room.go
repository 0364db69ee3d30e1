package deviceplacement

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// spareVictims keeps a pod of a gang from ending others if the gang would not start even so:
// with every claim gone that only pods of lower priority use, there is no room for as
// many of it as start together. Where that cannot be told, others may be ended.
func (p *Plugin) spareVictims(ctx context.Context, state fwk.CycleState, c *podCycle, pod *v1.Pod) {
	needed := preemption.NeededMembers(state)
	if needed == 0 || c == nil || !c.Narrowable() || p.pods == nil {
		return
	}
	pending := p.pendingMembers(pod, &needed)
	if needed <= 0 || len(pending) < needed {
		return
	}
	group, ok := p.groupToPlace(ctx, c, pending, needed)
	if !ok || !p.refusesEmptied(c, pod, pending, group) {
		return
	}
	preemption.ForbidVictims(state, fmt.Sprintf(
		"ending pods of lower priority would not make room for the %d pods of its gang that start together", needed))
}

// pendingMembers are the pods of a pod's gang without a node; those that have one are taken off
// needed.
func (p *Plugin) pendingMembers(pod *v1.Pod, needed *int) []*v1.Pod {
	gang := labels.Set{v1alpha1.PodGroupLabel: pod.Labels[v1alpha1.PodGroupLabel]}
	members, err := p.pods.Pods(pod.Namespace).List(labels.SelectorFromSet(gang))
	if err != nil {
		return nil
	}
	var pending []*v1.Pod
	for _, member := range members {
		switch {
		case member.Status.Phase == v1.PodSucceeded || member.Status.Phase == v1.PodFailed || member.DeletionTimestamp != nil:
		case member.Spec.NodeName != "":
			*needed--
		default:
			pending = append(pending, member)
		}
	}
	return pending
}

// groupToPlace is the pods as a group. It is false if more than their requests and what nodes
// have decides where they fit, or if it matters which of them start.
func (p *Plugin) groupToPlace(ctx context.Context, c *podCycle, pods []*v1.Pod, needed int) (*cluster.Group, bool) {
	group := &cluster.Group{}
	alike := true
	for _, pod := range pods {
		request, err := p.source.ReadPod(pod)
		if err != nil || request.Empty() {
			return nil, false
		}
		cycle := c.ForPod(request)
		if !cycle.Narrowable() {
			return nil, false
		}
		ranking := cycle.RankNodes(ctx, p.options.Policy, nil)
		elsewhere, comparable := ranking.Elsewhere()
		if !comparable || len(elsewhere) > 0 || len(ranking.Irregular()) > 0 {
			return nil, false
		}
		group.Members = append(group.Members, cluster.GroupMember{Ranking: ranking.NodeRanking})
		alike = alike && ranking.NodeRanking == group.Members[0].Ranking
	}
	if len(pods) > needed && !alike {
		return nil, false
	}
	group.Members = group.Members[:needed]
	return group, true
}

// refusesEmptied reports whether a group does not fit on the nodes that any of the pods may go
// to, once all is gone that only pods of lower priority use.
func (p *Plugin) refusesEmptied(c *podCycle, pod *v1.Pod, pods []*v1.Pod, group *cluster.Group) bool {
	own := map[types.UID]bool{}
	for _, member := range pods {
		own[member.UID] = true
	}
	priority := corev1helpers.PodPriority(pod)
	freeable, err := p.source.FreeableHolders(func(other *v1.Pod) bool {
		return !own[other.UID] && corev1helpers.PodPriority(other) >= priority
	})
	if err != nil {
		return false
	}
	s := c.Snapshot()
	s.Fork()
	defer s.Revert()
	defer p.closeNodes(s, pods)()
	for node := range s.Len() {
		var gone []placement.HolderID
		for _, held := range s.NodeState(node).Allocations() {
			if held.Holder == "" || freeable.Has(held.Holder) {
				gone = append(gone, held.Holder)
			}
		}
		for _, holder := range gone {
			s.ReleaseHolder(node, holder)
		}
	}
	_, outcome := s.PlaceGroup(group)
	return outcome == placement.Refused
}

// closeNodes closes the nodes that none of the pods may go to by what the nodes are, and
// returns what opens them again.
func (p *Plugin) closeNodes(s *dra.NodeSnapshot, pods []*v1.Pod) (open func()) {
	var closed []int
	if p.lister != nil {
		for i := range s.Len() {
			node, err := p.lister.NodeInfos().Get(s.NodeName(i))
			if s.Schedulable(i) && (err != nil || !mayGoTo(pods, node.Node())) {
				s.SetSchedulable(i, false)
				closed = append(closed, i)
			}
		}
	}
	return func() {
		for _, i := range closed {
			s.SetSchedulable(i, true)
		}
	}
}

// mayGoTo reports whether the labels and taints of a node keep not every one of the pods away.
func mayGoTo(pods []*v1.Pod, node *v1.Node) bool {
	for _, pod := range pods {
		if matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err != nil || !matches {
			continue
		}
		_, tainted := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations,
			func(taint *v1.Taint) bool { return taint.Effect != v1.TaintEffectPreferNoSchedule }, false)
		if !tainted {
			return true
		}
	}
	return false
}
