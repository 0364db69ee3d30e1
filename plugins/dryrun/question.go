package dryrun

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PlacementQuestion is what is asked of a cluster: which pods would find which places.
type PlacementQuestion struct {
	Manifest *AppliedManifest
	// Copies is how many pods each workload of the manifest has; 0 for as many as it says.
	Copies int
	// Drain are nodes that are emptied before anything else.
	Drain []string
	// Scheduler is the name that pods of Ashlar have in spec.schedulerName.
	Scheduler string
	// Waiting asks about the pods that wait in the cluster, too.
	Waiting bool
}

// AnswerQuestion answers a question under a policy. The cluster stays as it is. The
// context's logger is that of the scheduler, see NewSnapshot.
func AnswerQuestion(ctx context.Context, cluster *ClusterObjects, q *PlacementQuestion, policy placement.Policy) (*PlacementAnswer, error) {
	if err := q.checkNodes(cluster); err != nil {
		return nil, err
	}
	s, err := NewSnapshot(ctx, cluster, SnapshotOptions{Policy: policy, SchedulerName: q.Scheduler, Applied: &q.Manifest.ClusterObjects})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	pods, err := q.podsToPlace(s, cluster)
	if err != nil {
		return nil, err
	}
	before, err := s.gpuHoldings()
	if err != nil {
		return nil, err
	}
	a := &PlacementAnswer{Policy: policy.Name(), Pods: []*PodPlacement{}}
	sets := podSetsOf(pods, slices.Concat(q.Manifest.PodGroups, cluster.PodGroups))
	for i := range sets {
		if err := a.placeSet(ctx, s, &sets[i]); err != nil {
			return nil, err
		}
	}
	return a, a.fillIn(s, before)
}

// checkNodes refuses what the cluster has no notion of.
func (q *PlacementQuestion) checkNodes(cluster *ClusterObjects) error {
	for _, name := range q.Drain {
		if !slices.ContainsFunc(cluster.Nodes, func(node *corev1.Node) bool { return node.Name == name }) {
			return fmt.Errorf("there is no node %s: the cluster has %s", name, nodeNames(cluster))
		}
	}
	return nil
}

// maxNamedNodes bounds how many nodes an error lists.
const maxNamedNodes = 12

func nodeNames(cluster *ClusterObjects) string {
	var names []string
	for _, node := range cluster.Nodes {
		names = append(names, node.Name)
	}
	slices.Sort(names)
	if more := len(names) - maxNamedNodes; more > 0 {
		names = append(names[:maxNamedNodes], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// podsToPlace are all pods to find places for: those of drained nodes, those that wait,
// those of the manifest; stably by priority, as the scheduler's queue has them.
func (q *PlacementQuestion) podsToPlace(s *Snapshot, cluster *ClusterObjects) ([]PendingPod, error) {
	all, err := s.DrainNodes(q.Drain)
	if err != nil {
		return nil, err
	}
	if q.Waiting {
		waiting := slices.Clone(cluster.WaitingPods())
		slices.SortStableFunc(waiting, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		for _, pod := range waiting {
			all = append(all, PendingPod{Pod: pod, From: fromQueue})
		}
	}
	for _, workload := range q.Manifest.Workloads {
		count := workload.Pods
		if q.Copies > 0 {
			count = q.Copies
		}
		for _, pod := range workload.makePods(count) {
			admitted, err := s.AdmitPod(pod)
			if err != nil {
				return nil, err
			}
			admitted.workload = workload
			all = append(all, admitted)
		}
	}
	slices.SortStableFunc(all, func(a, b PendingPod) int {
		return cmp.Compare(ptr.Deref(b.Pod.Spec.Priority, 0), ptr.Deref(a.Pod.Spec.Priority, 0))
	})
	return all, nil
}

// placeSet finds places for pods that belong together. A copy of a pod that was just
// refused is refused for the same reason, unasked.
func (a *PlacementAnswer) placeSet(ctx context.Context, s *Snapshot, set *podSet) error {
	var outcomes []PodOutcome
	for _, one := range set.pods {
		if last := len(outcomes) - 1; last >= 0 && one.isAlike(&outcomes[last].PendingPod) && outcomes[last].Bound == nil {
			outcomes = append(outcomes, PodOutcome{PendingPod: one, Refusal: outcomes[last].Refusal})
			continue
		}
		outcome, err := s.SchedulePod(ctx, one)
		if err != nil {
			return fmt.Errorf("pod %s/%s: %w", one.Pod.Namespace, one.Pod.Name, err)
		}
		outcomes = append(outcomes, outcome)
	}
	if set.group != nil {
		orderMatters, err := s.enforceGang(set, outcomes)
		if err != nil {
			return err
		}
		if orderMatters {
			a.orderedGroups = append(a.orderedGroups, set.group.Name)
		}
	}
	a.outcomes = append(a.outcomes, outcomes...)
	return nil
}
