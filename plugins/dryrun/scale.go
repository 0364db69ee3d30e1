package dryrun

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// ScaleAnswer is how far an autoscaler could scale a workload if nothing else changed.
type ScaleAnswer struct {
	// Autoscaler is the object that scales: "HorizontalPodAutoscaler chat". Target is what it
	// scales, "" if that is itself.
	Autoscaler string `json:"autoscaler"`
	Target     string `json:"target,omitempty"`
	Min        int    `json:"min"`
	Max        int    `json:"max"`
	// Asked is with how many replicas the workload starts, Fit how many have places for all of
	// their pods. Untried says that more than Fit may have: no more were tried.
	Asked   int  `json:"asked"`
	Fit     int  `json:"fit"`
	Untried bool `json:"untried,omitempty"`
	// GPUsOpened and NodesOpened are those that the replicas beyond Asked open.
	GPUsOpened  int `json:"gpusOpened,omitempty"`
	NodesOpened int `json:"nodesOpened,omitempty"`
	// Reason is why the next replica has no place, and Rejected that the API server refuses it.
	Reason   string `json:"reason,omitempty"`
	Rejected bool   `json:"rejected,omitempty"`
}

// workloadScale is how many replicas of a workload are asked about, and how far it scales.
type workloadScale struct {
	workload *podspec.Workload
	replicas int
	// limits is nil for a workload that does not scale; by says what scales it, "" for itself.
	limits *podspec.ScaleRange
	by     string
}

// scaleOf finds how many replicas a workload has at first: as many as it says, but within the
// limits of its autoscaler. Without any there would be nothing to ask about, so that it is one
// where the least is none.
func (q *PlacementQuestion) scaleOf(w *podspec.Workload, cluster *ClusterObjects) workloadScale {
	scale := workloadScale{workload: w, replicas: w.Replicas, limits: w.Scale}
	for _, a := range append(q.Manifest.Autoscalers[:len(q.Manifest.Autoscalers):len(q.Manifest.Autoscalers)], cluster.Autoscalers...) {
		if a.ScalesWorkload(w) {
			scale.limits, scale.by = &a.ScaleRange, strings.TrimSpace(a.Kind+" "+a.Name)
			break
		}
	}
	if w.Replicas == 0 && strings.HasPrefix(scale.by, "HorizontalPodAutoscaler") {
		scale.limits = nil // which replicas: 0 switches off
	}
	if scale.limits != nil {
		scale.replicas = min(max(1, scale.replicas, scale.limits.Min), max(1, scale.limits.Max))
	}
	if q.Copies > 0 {
		scale.replicas = q.Copies
	}
	return scale
}

// maxTrials bounds the pods that are tried for one autoscaler.
const maxTrials = 1000

// tryScaling tries more replicas of a workload after all other pods have been placed, and takes
// them back.
func (a *PlacementAnswer) tryScaling(ctx context.Context, s *Snapshot, scale *workloadScale) error {
	w := scale.workload
	if scale.limits == nil || len(w.Templates) == 0 || scale.limits.Max <= scale.replicas {
		return nil
	}
	answer := ScaleAnswer{Autoscaler: w.Title(), Min: scale.limits.Min, Max: scale.limits.Max, Asked: scale.replicas}
	if scale.by != "" {
		answer.Autoscaler, answer.Target = scale.by, w.Title()
	}
	answer.Fit, answer.Reason, answer.Rejected = a.replicasPlaced(w, scale.replicas)
	if answer.Fit == scale.replicas {
		if err := answer.tryReplicas(ctx, s, w); err != nil {
			return fmt.Errorf("%s: %w", answer.Autoscaler, err)
		}
	}
	a.Scaling = append(a.Scaling, answer)
	return nil
}

// replicasPlaced counts the replicas of which every pod has a place, and says why another has not.
func (a *PlacementAnswer) replicasPlaced(w *podspec.Workload, replicas int) (placed int, reason string, rejected bool) {
	waiting := 0
	for i := range a.outcomes {
		o := &a.outcomes[i]
		if o.workload != w || o.Bound != nil {
			continue
		}
		if waiting++; reason == "" {
			reason, rejected = o.Refusal, o.rejected
		}
	}
	perReplica := max(1, w.PodsPerReplica())
	return max(0, replicas-(waiting+perReplica-1)/perReplica), reason, rejected
}

// tryReplicas places replicas until one finds no place, and leaves the snapshot as it was.
func (answer *ScaleAnswer) tryReplicas(ctx context.Context, s *Snapshot, w *podspec.Workload) error {
	before, err := s.gpuHoldings()
	if err != nil {
		return err
	}
	quotas := s.admission.quotas.copyLedger()
	var bound []*corev1.Pod
	var within int // pods that whole replicas have
	for answer.Fit < answer.Max && answer.Reason == "" {
		if len(bound) >= maxTrials {
			answer.Untried = true
			break
		}
		for _, pod := range makePods(w, answer.Fit, 1) {
			outcome, err := s.placePod(ctx, pod, w)
			if err != nil {
				return err
			}
			if outcome.Bound == nil {
				answer.Reason, answer.Rejected = outcome.Refusal, outcome.rejected
				break
			}
			bound = append(bound, outcome.Bound)
		}
		if answer.Reason == "" {
			answer.Fit++
			within = len(bound)
		}
	}
	// What a replica got that is not whole is not counted among what scaling opens.
	if err := s.UnbindPods(bound[within:]...); err != nil {
		return err
	}
	if answer.GPUsOpened, answer.NodesOpened, err = s.openedSince(before); err != nil {
		return err
	}
	s.admission.quotas = quotas
	return s.UnbindPods(bound[:within]...)
}

// placePod admits and schedules one more pod of a workload.
func (s *Snapshot) placePod(ctx context.Context, pod workloadPod, w *podspec.Workload) (PodOutcome, error) {
	pending := s.admitWorkloadPod(pod, w)
	if pending.refusal != nil {
		return PodOutcome{PendingPod: pending, Refusal: pending.refusal.reason, rejected: pending.refusal.rejected}, nil
	}
	return s.runCycle(ctx, pending, causeAlone)
}
