package dryrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// PlacementQuestion is what is asked of a cluster: which pods would find which places.
type PlacementQuestion struct {
	Manifest *AppliedManifest
	// Copies is how many replicas each workload of the manifest has; 0 for as many as it says.
	Copies int
	// Drain are nodes that are emptied before anything else.
	Drain []string
	// Scheduler is the name that pods of Ashlar have in spec.schedulerName.
	Scheduler string
	// Waiting asks about the pods that wait in the cluster, too.
	Waiting bool
}

// QuestionError is a mistake in what is asked, because of which nothing can be answered: it is not the
// cluster's fault, and asking again does not help.
type QuestionError struct{ Err error }

func (e *QuestionError) Error() string { return e.Err.Error() }

// Unwrap is what is wrong.
func (e *QuestionError) Unwrap() error { return e.Err }

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
	scales, err := q.findScales(cluster)
	if err != nil {
		return nil, err
	}
	pods, err := q.podsToPlace(s, cluster, scales)
	if err != nil {
		return nil, err
	}
	before, err := s.gpuHoldings()
	if err != nil {
		return nil, err
	}
	a := &PlacementAnswer{Policy: policy.Name(), Pods: []*PodPlacement{}, refused: map[*podspec.PodTemplate]string{}}
	sets := podSetsOf(pods, slices.Concat(q.Manifest.PodGroups, cluster.PodGroups))
	for i := range sets {
		if err := a.placeSet(ctx, s, &sets[i]); err != nil {
			return nil, err
		}
	}
	if err := a.fillIn(s, before); err != nil {
		return nil, err
	}
	for i := range scales {
		if err := a.tryScaling(ctx, s, &scales[i]); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// findScales finds how many replicas of each workload are asked about.
func (q *PlacementQuestion) findScales(cluster *ClusterObjects) ([]workloadScale, error) {
	var scales []workloadScale
	pods := 0
	for _, workload := range q.Manifest.Workloads {
		scale := q.scaleOf(workload, cluster)
		if err := checkPodCount(workload, scale.replicas, pods); err != nil {
			return nil, err
		}
		pods += scale.replicas * workload.PodsPerReplica()
		scales = append(scales, scale)
	}
	return scales, nil
}

// checkNodes refuses what the cluster has no notion of.
func (q *PlacementQuestion) checkNodes(cluster *ClusterObjects) error {
	for _, name := range q.Drain {
		if !slices.ContainsFunc(cluster.Nodes, func(node *corev1.Node) bool { return node.Name == name }) {
			return &QuestionError{fmt.Errorf("there is no node %s: the cluster has %s", name, nodeNames(cluster))}
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
func (q *PlacementQuestion) podsToPlace(s *Snapshot, cluster *ClusterObjects, scales []workloadScale) ([]PendingPod, error) {
	all, err := s.DrainNodes(q.Drain)
	if err != nil {
		return nil, err
	}
	if q.Waiting {
		waiting := slices.Clone(cluster.WaitingPods())
		slices.SortStableFunc(waiting, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		for _, pod := range waiting {
			all = append(all, PendingPod{Pod: s.admission.identifyPod(pod), From: fromQueue})
		}
	}
	var mistakes []error
	admitted := len(all)
	for _, scale := range scales {
		for _, pod := range makePods(scale.workload, 0, scale.replicas) {
			pending := s.admitWorkloadPod(pod, scale.workload)
			if r := pending.refusal; r != nil && r.mistake {
				mistakes = append(mistakes, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, r))
			} else {
				admitted++
			}
			all = append(all, pending)
		}
	}
	if admitted == 0 && len(mistakes) > 0 {
		return nil, &QuestionError{joinMistakes(mistakes)}
	}
	slices.SortStableFunc(all, func(a, b PendingPod) int {
		return cmp.Compare(ptr.Deref(b.Pod.Spec.Priority, 0), ptr.Deref(a.Pod.Spec.Priority, 0))
	})
	return all, nil
}

// joinMistakes is an error for a question of which nothing can be answered, with one of several
// mistakes that are alike.
func joinMistakes(mistakes []error) error {
	var distinct []error
	seen := map[string]bool{}
	for _, mistake := range mistakes {
		reason := errors.Unwrap(mistake).Error()
		if !seen[reason] {
			distinct = append(distinct, mistake)
		}
		seen[reason] = true
	}
	return errors.Join(distinct...)
}

// placeSet finds places for pods that belong together. A copy of a pod that was refused is
// refused for the same reason, unasked, as long as nothing was placed since.
func (a *PlacementAnswer) placeSet(ctx context.Context, s *Snapshot, set *podSet) error {
	var outcomes []PodOutcome
	for _, one := range set.pods {
		if one.refusal != nil {
			outcomes = append(outcomes, PodOutcome{PendingPod: one, Refusal: one.refusal.reason, rejected: one.refusal.rejected})
			continue
		}
		if reason, refused := a.refused[one.template]; refused && one.template != nil {
			outcomes = append(outcomes, PodOutcome{PendingPod: one, Refusal: reason})
			continue
		}
		outcome, err := s.SchedulePod(ctx, one)
		if err != nil {
			return fmt.Errorf("pod %s/%s: %w", one.Pod.Namespace, one.Pod.Name, err)
		}
		if outcome.Bound != nil {
			clear(a.refused)
		} else {
			a.refused[one.template] = outcome.Refusal
		}
		outcomes = append(outcomes, outcome)
	}
	if set.group != nil {
		orderMatters, err := s.enforceGang(set, outcomes)
		if err != nil {
			return err
		}
		clear(a.refused) // its pods may have been taken back
		if orderMatters {
			a.orderedGroups = append(a.orderedGroups, set.group.Name)
		}
	}
	a.outcomes = append(a.outcomes, outcomes...)
	return nil
}
