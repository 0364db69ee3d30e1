package dryrun

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/cluster"
)

// PodMove is one pod that is evicted and starts again elsewhere.
type PodMove struct {
	Namespace string    `json:"namespace"`
	Pod       string    `json:"pod"`
	UID       types.UID `json:"uid"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	// Leaves and Takes are devices, by their names in the pools of the nodes.
	Leaves   []string `json:"leaves"`
	Takes    []string `json:"takes"`
	Priority int32    `json:"priority"`
	// Seconds is for how long the pod has run, and GPUHours that times what it holds.
	Seconds  int64   `json:"runSeconds"`
	GPUHours float64 `json:"gpuHours"`
	// Budgets are the PodDisruptionBudgets that cover it.
	Budgets []string `json:"budgets,omitempty"`
	// Cordon says that From is cordoned until the pod has a place: it would come back there.
	Cordon bool `json:"cordon,omitempty"`
	// Awaits is how many of the moves, from the first on, have to be over and their pods ready
	// again, so that the budgets allow this one.
	Awaits int `json:"awaits,omitempty"`
}

// describeMove puts a move of the core into the words of the cluster.
func (m *defragModel) describeMove(move *cluster.DefragMove) PodMove {
	pod := m.pods[types.UID(move.Holder)]
	return PodMove{
		Namespace: pod.Namespace, Pod: pod.Name, UID: pod.UID, From: pod.Spec.NodeName, To: m.snapshot.Node(move.To).Name,
		Priority: ptr.Deref(pod.Spec.Priority, 0), GPUHours: float64(move.Cost) / 3600, Budgets: m.budgets[pod.UID],
		Seconds: max(0, int64(m.planner.question.Now.Sub(startedAt(pod)).Seconds())), Cordon: move.Closes, Awaits: move.Awaits,
	}
}

// confirmPlan carries a proposal out on a fresh copy of the cluster with the scheduler itself, and
// fills in where that puts the pods. It returns the pod whose move turned out otherwise, "" for
// none.
func (d *defragPlanner) confirmPlan(ctx context.Context, a *DefragAnswer, m *defragModel) (types.UID, error) {
	s, err := d.newSnapshot(ctx)
	if err != nil {
		return "", err
	}
	defer s.Close()
	a.GPUHours = 0
	for i := range a.Moves {
		ok, err := d.confirmMove(ctx, s, &a.Moves[i])
		if err != nil {
			return "", err
		}
		if !ok {
			return a.Moves[i].UID, nil
		}
		a.GPUHours += a.Moves[i].GPUHours
	}
	last := a.Moves[len(a.Moves)-1].UID
	if d.question.Manifest == nil {
		return d.confirmGain(ctx, s, a, last)
	}
	pods, err := d.podsAsked(s, a)
	if err != nil {
		return "", err
	}
	fit, err := d.scheduleAll(ctx, s, pods)
	if err != nil || len(fit) < len(pods) {
		return last, err
	}
	a.FitAfter = len(fit)
	for _, pod := range fit {
		a.Placed = append(a.Placed, pod.Spec.NodeName)
	}
	return "", nil
}

// confirmGain counts what fits after the moves.
func (d *defragPlanner) confirmGain(ctx context.Context, s *Snapshot, a *DefragAnswer, last types.UID) (types.UID, error) {
	after, err := d.buildModel(ctx, s, nil, asIfAllowed)
	if err != nil {
		return "", err
	}
	gain := int64(0)
	for i, count := range after.snapshot.CountPlaceable(after.mix) {
		a.Placeable[i].After = count
		gain += (count - a.Placeable[i].Before) * after.mix[i].Weight
	}
	if gain <= 0 {
		return last, nil
	}
	return "", nil
}

// confirmMove evicts a pod from the copy and schedules the one that its controller makes instead.
// It reports false if that has no place, or comes back, or if where it goes depends on whether it
// comes before the other has gone.
func (d *defragPlanner) confirmMove(ctx context.Context, s *Snapshot, move *PodMove) (bool, error) {
	at := slices.IndexFunc(s.pods, func(pod *corev1.Pod) bool { return pod.UID == move.UID })
	if at < 0 {
		return false, nil
	}
	pod := s.pods[at]
	leaves, err := s.devicesOf(pod)
	if err != nil {
		return false, err
	}
	if move.Cordon {
		defer s.cordonNode(move.From)()
	}
	var early, late PendingPod
	for _, again := range []*PendingPod{&early, &late} {
		if *again, err = s.RecreatePod(pod); err != nil {
			return false, nil //nolint:nilerr // it cannot be made anew: another plan is looked for
		}
	}
	before, beforeDevices, err := s.placeForATime(ctx, early)
	if err != nil {
		return false, err
	}
	if err := s.UnbindPods(pod); err != nil {
		return false, err
	}
	if before == nil && d.question.Manifest != nil && !move.Cordon {
		// Both wait for what the pod leaves, and the other one may come first.
		if fits, err := d.fitsBehind(ctx, s, late); err != nil || !fits {
			return false, err
		}
	}
	outcome, err := s.runCycle(ctx, late, causeAlone)
	if err != nil || outcome.Bound == nil {
		return false, err
	}
	takes, err := s.devicesOf(outcome.Bound)
	if err != nil {
		return false, err
	}
	move.To, move.Leaves, move.Takes = outcome.Bound.Spec.NodeName, leaves, takes
	if before != nil && (before.Spec.NodeName != move.To || !slices.Equal(beforeDevices, takes)) {
		return false, nil
	}
	return move.To != move.From || !slices.Equal(leaves, takes), nil
}

// placeForATime says where a pod would go, nil for nowhere, and takes it back.
func (s *Snapshot) placeForATime(ctx context.Context, pending PendingPod) (*corev1.Pod, []string, error) {
	outcome, err := s.runCycle(ctx, pending, causeAlone)
	if err != nil {
		return nil, nil, err
	}
	if outcome.Bound == nil {
		for _, claim := range pending.Claims {
			s.claims.removeClaim(claim)
		}
		return nil, nil, nil
	}
	devices, err := s.devicesOf(outcome.Bound)
	if err != nil {
		return nil, nil, err
	}
	return outcome.Bound, devices, s.UnbindPods(outcome.Bound)
}

// fitsBehind reports whether a pod fits even if those that room is made for come before it.
func (d *defragPlanner) fitsBehind(ctx context.Context, s *Snapshot, pending PendingPod) (bool, error) {
	asked, err := d.podsAsked(s, &DefragAnswer{})
	if err != nil {
		return false, err
	}
	first, err := d.scheduleAll(ctx, s, asked)
	if err != nil {
		return false, err
	}
	again := PendingPod{Pod: pending.Pod.DeepCopy()}
	for _, claim := range pending.Claims {
		again.Claims = append(again.Claims, claim.DeepCopy())
	}
	place, _, err := s.placeForATime(ctx, again)
	if err != nil {
		return false, err
	}
	return place != nil, s.UnbindPods(first...)
}

// cordonNode cordons a node of the copy and returns what undoes it.
func (s *Snapshot) cordonNode(name string) (undo func()) {
	at := slices.IndexFunc(s.nodes, func(node *corev1.Node) bool { return node.Name == name })
	open := s.nodes[at]
	s.nodes[at] = open.DeepCopy()
	s.nodes[at].Spec.Unschedulable = true
	s.rebuildLister()
	return func() {
		s.nodes[at] = open
		s.rebuildLister()
	}
}

// devicesOf lists the devices of a pod's claims by name, with how much of each that is shared.
func (s *Snapshot) devicesOf(pod *corev1.Pod) ([]string, error) {
	claims, err := s.claims.List()
	if err != nil {
		return nil, err
	}
	return deviceNames(claimsByUser(claims)[pod.UID]), nil
}

// deviceNames lists the devices of claims by name.
func deviceNames(claims []*resourceapi.ResourceClaim) []string {
	var devices []string
	for _, claim := range claims {
		for _, result := range claim.Status.Allocation.Devices.Results {
			name := result.Device
			if memory, shared := result.ConsumedCapacity["memory"]; shared {
				name += fmt.Sprintf(" (%s)", memory.String())
			}
			devices = append(devices, name)
		}
	}
	slices.SortFunc(devices, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	return devices
}
