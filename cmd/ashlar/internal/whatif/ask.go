package whatif

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

// Question is what is asked of a cluster.
type Question struct {
	Manifest *Manifest
	// Copies is how many pods each workload of the manifest has; 0 for as many as it says.
	Copies int
	// Drain are nodes that are emptied before anything else.
	Drain []string
	// Scheduler is the name that pods of Ashlar have in spec.schedulerName.
	Scheduler string
	// Waiting asks about the pods that wait in the cluster, too.
	Waiting bool
}

// Ask answers a question under a policy. The cluster stays as it is.
func Ask(ctx context.Context, cluster *Objects, q *Question, policy placement.Policy) (*Answer, error) {
	if err := q.check(cluster); err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, cluster, &q.Manifest.Objects, q.Scheduler, policy)
	if err != nil {
		return nil, err
	}
	defer w.close()
	pods, err := q.pods(w, cluster)
	if err != nil {
		return nil, err
	}
	before, err := w.holdings()
	if err != nil {
		return nil, err
	}
	a := &Answer{Policy: policy.Name(), Pods: []*Pod{}}
	groups := slices.Concat(q.Manifest.Groups, cluster.Groups)
	for _, unit := range unitsOf(pods, groups) {
		outcomes, err := w.place(ctx, unit)
		if err != nil {
			return nil, err
		}
		a.outcomes = append(a.outcomes, outcomes...)
	}
	return a, a.finish(w, before)
}

// check refuses what the cluster has no notion of.
func (q *Question) check(cluster *Objects) error {
	for _, name := range q.Drain {
		if !slices.ContainsFunc(cluster.Nodes, func(node *corev1.Node) bool { return node.Name == name }) {
			return fmt.Errorf("there is no node %s: the cluster has %s", name, nodeNames(cluster))
		}
	}
	return nil
}

// maxNamed bounds how many nodes an error lists.
const maxNamed = 12

func nodeNames(cluster *Objects) string {
	var names []string
	for _, node := range cluster.Nodes {
		names = append(names, node.Name)
	}
	slices.Sort(names)
	if more := len(names) - maxNamed; more > 0 {
		names = append(names[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// pods are all pods to find places for: those of drained nodes, those that wait, those
// of the manifest; stably by priority, as the scheduler's queue has them.
func (q *Question) pods(w *world, cluster *Objects) ([]asked, error) {
	all, err := w.drain(q.Drain)
	if err != nil {
		return nil, err
	}
	if q.Waiting {
		waiting := slices.Clone(cluster.Waiting())
		slices.SortStableFunc(waiting, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		for _, pod := range waiting {
			all = append(all, asked{pod: pod, from: fromQueue})
		}
	}
	for _, workload := range q.Manifest.Workloads {
		count := workload.Pods
		if q.Copies > 0 {
			count = q.Copies
		}
		for _, pod := range workload.pods(count) {
			claims, err := w.admission.admit(pod)
			if err != nil {
				return nil, err
			}
			all = append(all, asked{pod: pod, claims: claims, alike: workload})
		}
	}
	slices.SortStableFunc(all, func(a, b asked) int {
		return cmp.Compare(ptr.Deref(b.pod.Spec.Priority, 0), ptr.Deref(a.pod.Spec.Priority, 0))
	})
	return all, nil
}

// outcome is what became of a pod: bound, or refused.
type outcome struct {
	asked
	bound   *corev1.Pod
	refusal string
}

// place finds places for pods that belong together. A copy of a pod that was just
// refused is refused for the same reason, unasked.
func (w *world) place(ctx context.Context, u unit) ([]outcome, error) {
	var outcomes []outcome
	for _, one := range u.pods {
		result := outcome{asked: one}
		if last := len(outcomes) - 1; last >= 0 && one.alike != nil && one.alike == outcomes[last].alike && outcomes[last].bound == nil {
			result.refusal = outcomes[last].refusal
			outcomes = append(outcomes, result)
			continue
		}
		for _, claim := range one.claims {
			w.claims.put(claim)
		}
		var err error
		if result.bound, result.refusal, err = w.schedule(ctx, one.pod); err != nil {
			return nil, fmt.Errorf("pod %s/%s: %w", one.pod.Namespace, one.pod.Name, err)
		}
		outcomes = append(outcomes, result)
	}
	if u.group == nil {
		return outcomes, nil
	}
	return outcomes, w.together(u, outcomes)
}
