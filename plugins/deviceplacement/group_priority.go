package deviceplacement

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func podPriority(pod *v1.Pod) int32 { return corev1helpers.PodPriority(pod) }

// fitsWithoutLower reports whether the group would fit if all pods of lower priority were gone:
// only then may any of them be ended for it.
func (s *groupSolve) fitsWithoutLower(pod *v1.Pod, levels []cluster.GroupLevel) bool {
	if pod.Spec.PreemptionPolicy != nil && *pod.Spec.PreemptionPolicy == v1.PreemptNever {
		return false
	}
	lower := func(other *v1.Pod) bool { return podPriority(other) < podPriority(pod) }
	return s.solveWithout(pod, levels, lower, nodeNumbers(s.cycle.Snapshot().Len())).Outcome == placement.Fits
}

// nodeNumbers are the numbers of all nodes.
func nodeNumbers(count int) []int {
	nodes := make([]int, count)
	for i := range nodes {
		nodes[i] = i
	}
	return nodes
}

// solveWithout places the group as if some pods were gone from some nodes.
func (s *groupSolve) solveWithout(pod *v1.Pod, levels []cluster.GroupLevel, gone func(*v1.Pod) bool, from []int) cluster.GroupVerdict {
	users, err := s.plugin.source.HoldersByUID()
	if err != nil {
		return cluster.GroupVerdict{Outcome: placement.Undecided}
	}
	snapshot := s.cycle.Snapshot()
	freed := make([]topology.HostResources, snapshot.Len())
	ended := map[string]bool{}
	for _, i := range from {
		node := s.found.node(i)
		if node == nil {
			continue
		}
		for _, info := range node.GetPods() {
			if other := info.GetPod(); gone(other) {
				ended[other.Namespace+"/"+other.Name] = true
				freed[i] = freed[i].Plus(hostOf(other))
			}
		}
	}
	if len(ended) == 0 {
		return cluster.GroupVerdict{Outcome: placement.Refused}
	}
	snapshot.Fork()
	defer snapshot.Revert()
	for i := range snapshot.Len() {
		var released []placement.HolderID
		for _, a := range snapshot.NodeState(i).Allocations() {
			if by := users[a.Holder]; len(by) > 0 && !slices.ContainsFunc(by, func(user string) bool { return !ended[user] }) {
				released = append(released, a.Holder)
			}
		}
		for _, holder := range released {
			snapshot.ReleaseHolder(i, holder)
		}
	}
	s.plugin.holdPlans(snapshot, s.plugin.plans.heldFor(s.group.Key, "", podPriority(pod)))
	verdict := cluster.GroupVerdict{}
	group := s.groupOf(levels, func(node int) topology.HostResources { return freed[node] })
	for i, shape := range s.shapes {
		group.Members[i].Nodes = shape.ever
	}
	verdict.Decisions, verdict.Outcome = snapshot.PlaceGroup(group)
	return verdict
}
