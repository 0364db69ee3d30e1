package deviceplacement

import (
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// victimSearch searches over the snapshot of a pod's cycle, as the simulator does over its own: package cluster
// says whom to end.
type victimSearch struct {
	plugin *Plugin
	cycle  *dra.Cycle
	pod    *v1.Pod
	held   map[string][]heldDevices

	found *nodeFinder
	// pods are those that may be victims, listed their UIDs, and victims what they are to package cluster.
	pods    []*v1.Pod
	listed  sets.Set[types.UID]
	victims []cluster.Victim
}

// noteVictimSearch offers to say whom to end for a pod, if what its nodes have can be told from the snapshot.
func (p *Plugin) noteVictimSearch(state fwk.CycleState, c *dra.Cycle, pod *v1.Pod, held map[string][]heldDevices) {
	if !c.Narrowable() {
		return
	}
	preemption.NoteSearch(state, func(query *preemption.VictimQuery) *preemption.VictimChoice {
		search := &victimSearch{plugin: p, cycle: c, pod: pod, held: held, listed: sets.New[types.UID]()}
		return search.chooseVictims(query)
	})
}

// chooseVictims finds whom to end; nil if nobody helps, or there are nodes of which the snapshot does not tell what fits
// there, or whose end decides it.
func (s *victimSearch) chooseVictims(query *preemption.VictimQuery) *preemption.VictimChoice {
	snapshot := s.cycle.Snapshot()
	nodes := s.plugin.listNodes()
	ranking := s.cycle.RankNodes(context.Background(), s.plugin.options.Policy, providedBy(s.cycle.Request().ResourceNames(), nodes))
	if others, comparable := ranking.Elsewhere(); !comparable || len(others) > 0 || len(ranking.Irregular()) > 0 {
		return nil
	}
	s.found = findNodes(snapshot, nodes, nil)
	admission := newNodeAdmission(s.plugin, s.pod)
	if !s.listVictims(query, nodes) || slices.ContainsFunc(query.Nodes, func(node fwk.NodeInfo) bool {
		return admission.admitsOnceFree(node) && s.hostsDecide(node)
	}) {
		return nil
	}
	snapshot.Fork()
	defer snapshot.Revert()
	s.plugin.holdPlans(snapshot, s.held)
	helped := sets.New[string]()
	for _, node := range query.Nodes {
		helped.Insert(node.Node().Name)
	}
	preemptor := &cluster.Preemptor{
		Ranking: ranking.NodeRanking, Host: hostOf(s.pod), Priority: int64(podPriority(s.pod)), Victims: s.victims,
		FreeHost: s.freeHost, Admits: func(node int) bool {
			info := s.found.node(node)
			return info != nil && helped.Has(info.Node().Name) && admission.admitsOnceFree(info)
		},
	}
	for _, budget := range query.Budgets {
		preemptor.Budgets = append(preemptor.Budgets, int(budget.Status.DisruptionsAllowed))
	}
	choice := snapshot.SelectVictims(preemptor)
	if choice == nil {
		return nil
	}
	ended := sets.New[types.UID]()
	for _, number := range choice.Victims {
		ended.Insert(s.pods[number].UID)
	}
	return &preemption.VictimChoice{Node: snapshot.NodeName(choice.Node), Victims: ended}
}

// hostsDecide reports whether a node has too little CPU or memory left, and pods without devices that may be ended for
// it: those are not looked at.
func (s *victimSearch) hostsDecide(node fwk.NodeInfo) bool {
	return !hostOf(s.pod).Within(freeHost(node)) && slices.ContainsFunc(node.GetPods(), func(info fwk.PodInfo) bool {
		return podPriority(info.GetPod()) < podPriority(s.pod) && !s.listed.Has(info.GetPod().UID)
	})
}

// listVictims lists all pods that have devices, or end with one that has; false if it is not known who has what, or what
// ends together: of PodGroups of Kubernetes' own kube-scheduler says that.
func (s *victimSearch) listVictims(query *preemption.VictimQuery, nodes []fwk.NodeInfo) bool {
	users, err := s.plugin.source.HoldersByUID()
	if err != nil {
		return false
	}
	var bound []*v1.Pod
	there := sets.New[string]()
	for _, node := range nodes {
		for _, info := range node.GetPods() {
			bound = append(bound, info.GetPod())
			there.Insert(nameOf(info.GetPod()))
		}
	}
	holders := map[string][]placement.HolderID{}
	for holder, by := range users {
		if slices.ContainsFunc(by, func(user string) bool { return !there.Has(user) }) {
			continue // somebody else uses it, who is not ended
		}
		for _, user := range by {
			holders[user] = append(holders[user], holder)
		}
	}
	var counted []func(*v1.Pod) bool
	for _, budget := range query.Budgets {
		counted = append(counted, preemption.CountedBy(budget))
	}
	for _, pod := range bound {
		has := holders[nameOf(pod)]
		slices.Sort(has)
		group := pod.Labels[v1alpha1.PodGroupLabel]
		if group != "" {
			group = pod.Namespace + "/" + group
		}
		if len(has) == 0 && group == "" {
			continue
		}
		if pod.Spec.SchedulingGroup != nil {
			return false
		}
		s.listed.Insert(pod.UID)
		victim := cluster.Victim{Holders: has, Priority: int64(podPriority(pod)), Pods: 1, Group: group}
		if podPriority(pod) < podPriority(s.pod) { // the others stay
			victim.Cost = query.LostWith(pod)
			for i, counts := range counted {
				if counts(pod) {
					victim.Budgets = append(victim.Budgets, i)
				}
			}
		}
		s.pods, s.victims = append(s.pods, pod), append(s.victims, victim)
	}
	return true
}

// freeHost is what a node has besides devices once some of the victims have ended.
func (s *victimSearch) freeHost(node int, victims []int) topology.HostResources {
	info := s.found.node(node)
	if info == nil {
		return topology.HostResources{}
	}
	free := freeHost(info)
	for _, number := range victims {
		if pod := s.pods[number]; pod.Spec.NodeName == info.Node().Name {
			free = free.Plus(hostOf(pod))
		}
	}
	return free
}

func nameOf(pod *v1.Pod) string { return pod.Namespace + "/" + pod.Name }
