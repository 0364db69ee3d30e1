package dryrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// DefragQuestion asks which pods to move.
type DefragQuestion struct {
	// Manifest has the pods that room is made for, all alike; nil to raise what is placeable.
	Manifest *AppliedManifest
	// Copies is how many replicas of the manifest's object are meant; 0 for as many as it says.
	Copies int
	// Served are those of the pods that have a place already: room is made for the others.
	Served int
	// Scheduler is spec.schedulerName of the pods that may be moved: others are placed again by
	// somebody else.
	Scheduler string
	// MaxMoves bounds the moves, 0 for cluster.DefaultMoves.
	MaxMoves int
	// MayCordon says that a node may be cordoned while one of its pods is moved.
	MayCordon bool
	// Now is when it is asked, for how long pods have run.
	Now time.Time
}

// DefragAnswer is a plan of moves, or why there is none.
type DefragAnswer struct {
	// Request is what room is made for, "" where none is named. Of Copies, its pods that have no
	// place yet, FitBefore fit as things
	// are, and FitAfter once all moves are made, on the nodes that Placed lists.
	Request   string   `json:"request,omitempty"`
	Copies    int      `json:"copies,omitempty"`
	FitBefore int      `json:"fitBefore"`
	FitAfter  int      `json:"fitAfter"`
	Placed    []string `json:"placed,omitempty"`
	// Moves are in order.
	Moves []PodMove `json:"moves"`
	// GPUHours is the work at risk: for how long the moved pods have run times what they hold.
	GPUHours float64 `json:"gpuHours"`
	// Placeable is how many more of each kind of request fit.
	Placeable []PlaceableCount `json:"placeable,omitempty"`
	// Complete says that all moves were looked at that there are, up to the number allowed.
	Complete bool `json:"complete"`
	// Blocking are the moves that would help if the pods might be moved.
	Blocking []PodMove `json:"blocking,omitempty"`
	// Staying are the pods with GPUs that are not moved, by reason.
	Staying []StayingPods `json:"staying,omitempty"`
}

// PlaceableCount is how many more of a kind of request fit, if nothing else comes.
type PlaceableCount struct {
	What   string `json:"what"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// StayingPods are pods that are not moved for one reason.
type StayingPods struct {
	Reason string   `json:"reason"`
	Pods   []string `json:"pods"`
}

// maxConfirmations is how many plans are tried out with the scheduler before the search ends.
const maxConfirmations = 12

// PlanDefrag plans the moves of least cost. Each is found on the core's model of the cluster and
// then carried out on a copy by the scheduler itself: it counts where that puts the pods. The
// cluster stays as it is.
func PlanDefrag(ctx context.Context, objects *ClusterObjects, q *DefragQuestion, policy placement.Policy) (*DefragAnswer, error) {
	d := &defragPlanner{objects: objects, question: q, policy: policy, excluded: map[types.UID]bool{}}
	a, err := d.findPlan(ctx, asAllowed)
	if err != nil || len(a.Moves) > 0 || q.Manifest != nil && a.FitBefore == a.Copies {
		return a, err
	}
	clear(d.excluded)
	others, err := d.findPlan(ctx, asIfAllowed)
	if err != nil {
		return nil, err
	}
	a.Blocking = others.Moves
	return a, nil
}

// moveConsent says whose consent to being moved counts.
type moveConsent bool

const (
	asAllowed   moveConsent = true
	asIfAllowed moveConsent = false // as if all pods that can be moved might be
)

// defragPlanner looks for a plan that the scheduler confirms.
type defragPlanner struct {
	objects  *ClusterObjects
	question *DefragQuestion
	policy   placement.Policy
	// excluded are pods whose moves turned out otherwise than planned.
	excluded map[types.UID]bool
}

// newSnapshot is a fresh copy of the cluster.
func (d *defragPlanner) newSnapshot(ctx context.Context) (*Snapshot, error) {
	options := SnapshotOptions{Policy: d.policy, SchedulerName: d.question.Scheduler}
	if d.question.Manifest != nil {
		options.Applied = &d.question.Manifest.ClusterObjects
	}
	return NewSnapshot(ctx, d.objects, options)
}

// findPlan proposes plans until the scheduler confirms one.
func (d *defragPlanner) findPlan(ctx context.Context, consent moveConsent) (*DefragAnswer, error) {
	var a *DefragAnswer
	for range maxConfirmations {
		s, err := d.newSnapshot(ctx)
		if err != nil {
			return nil, err
		}
		proposal, model, err := d.proposePlan(ctx, s, consent)
		s.Close()
		if err != nil {
			return nil, err
		}
		if a = proposal; len(a.Moves) == 0 {
			break
		}
		strayed, err := d.confirmPlan(ctx, a, model)
		if err != nil {
			return nil, err
		}
		if strayed == "" {
			return a, nil
		}
		d.excluded[strayed] = true
		a.Moves, a.GPUHours, a.Complete = nil, 0, false
	}
	a.FitAfter = a.FitBefore
	for i := range a.Placeable {
		a.Placeable[i].After = a.Placeable[i].Before
	}
	a.Complete = a.Complete && len(d.excluded) == 0
	return a, nil
}

// proposePlan asks the core.
func (d *defragPlanner) proposePlan(ctx context.Context, s *Snapshot, consent moveConsent) (*DefragAnswer, *defragModel, error) {
	a := &DefragAnswer{Moves: []PodMove{}}
	var pods []PendingPod
	if d.question.Manifest != nil {
		var err error
		if pods, err = d.podsAsked(s, a); err != nil {
			return nil, nil, err
		}
		fit, err := d.scheduleAll(ctx, s, pods)
		if err != nil {
			return nil, nil, err
		}
		if a.FitBefore = len(fit); len(fit) == len(pods) {
			a.FitAfter, a.Complete = len(fit), true
			for _, pod := range fit {
				a.Placed = append(a.Placed, pod.Spec.NodeName)
			}
			return a, nil, nil
		}
		if err := s.UnbindPods(fit...); err != nil {
			return nil, nil, err
		}
		if pods, err = d.podsAsked(s, a); err != nil {
			return nil, nil, err
		}
	}
	m, err := d.buildModel(ctx, s, pods, consent)
	if err != nil {
		return nil, nil, err
	}
	a.Staying = m.staying
	if m.snapshot == nil {
		a.Complete = true
		return a, m, nil // nobody holds anything
	}
	var plan *cluster.DefragPlan
	if len(pods) > 0 {
		plan, _ = m.snapshot.PlanRoom(&m.defrag, cluster.GroupMember{Ranking: m.request, Host: hostOf(pods[0].Pod)}, len(pods))
	} else {
		plan = m.snapshot.PlanCompaction(&m.defrag, m.mix)
		for i, what := range m.mixNames {
			a.Placeable = append(a.Placeable, PlaceableCount{What: what, Before: plan.Before[i], After: plan.After[i]})
		}
	}
	a.Complete = plan.Complete
	for i := range plan.Moves {
		a.Moves = append(a.Moves, m.describeMove(&plan.Moves[i]))
	}
	return a, m, nil
}

// podsAsked are the pods that room is made for.
func (d *defragPlanner) podsAsked(s *Snapshot, a *DefragAnswer) ([]PendingPod, error) {
	var pods []PendingPod
	var template *podspec.PodTemplate
	for _, w := range d.question.Manifest.Workloads {
		replicas := d.question.Copies
		if replicas == 0 {
			replicas = w.Replicas
		}
		if err := checkPodCount(w, replicas, len(pods)); err != nil {
			return nil, err
		}
		for _, pod := range makePods(w, 0, replicas) {
			if template == nil {
				template, a.Request = pod.template, w.Title()
			}
			if template != pod.template {
				return nil, fmt.Errorf("%s: asks for pods of several kinds: want pods that are alike, one object at a time", w.Where())
			}
			pending := s.admitWorkloadPod(pod, w)
			if pending.refusal != nil {
				return nil, fmt.Errorf("pod %s/%s: no move of other pods makes room for it: %w", pod.Namespace, pod.Name, pending.refusal)
			}
			pods = append(pods, pending)
		}
	}
	if len(pods) == 0 {
		return nil, errors.New("no pod is asked about")
	}
	pods = pods[min(d.question.Served, len(pods)):]
	a.Copies = len(pods)
	return pods, nil
}

// scheduleAll schedules pods one after the other and returns those that have a place.
func (d *defragPlanner) scheduleAll(ctx context.Context, s *Snapshot, pods []PendingPod) ([]*corev1.Pod, error) {
	var bound []*corev1.Pod
	for _, pod := range pods {
		outcome, err := s.runCycle(ctx, pod, causeAlone)
		if err != nil {
			return nil, err
		}
		if outcome.Bound == nil {
			break // they are alike
		}
		bound = append(bound, outcome.Bound)
	}
	return slices.Clip(bound), nil
}
