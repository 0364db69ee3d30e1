package dryrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"
)

// explainTimeout is how long the search for what would make a pod fit may take.
const explainTimeout = 10 * time.Second

// SchedulePod runs one scheduling cycle, as kube-scheduler's schedule_one.go does: it
// looks at all nodes, takes the one with the highest score, the first by name among
// equals, and reserves. A pod that finds a place is bound to it in the snapshot, one
// that does not leaves the snapshot as it was but for its own claims. What a plugin
// fails on is the pod's refusal, for kube-scheduler keeps such a pod pending; the error
// is that of a snapshot that nothing can be asked of.
func (s *Snapshot) SchedulePod(ctx context.Context, pending PendingPod) (PodOutcome, error) {
	return s.runCycle(ctx, pending, withRemedy)
}

// refusalLength says whether the smallest changes are looked for after which a pod would fit.
type refusalLength bool

const (
	withRemedy refusalLength = true
	causeAlone refusalLength = false
)

func (s *Snapshot) runCycle(ctx context.Context, pending PendingPod, length refusalLength) (PodOutcome, error) {
	outcome := PodOutcome{PendingPod: pending}
	for _, claim := range pending.Claims {
		s.claims.putClaim(claim)
	}
	state := framework.NewCycleState()
	bound, err := s.findPlace(ctx, state, pending.Pod, length)
	if unfit := (*framework.FitError)(nil); errors.As(err, &unfit) {
		outcome.Refusal = unfit.Error()
		return outcome, nil
	}
	if err != nil {
		outcome.Refusal = pluginFailure(err)
		return outcome, ctx.Err()
	}
	if err := s.bookClaims(bound); err != nil {
		return outcome, err
	}
	outcome.Bound = bound
	outcome.Counted, _ = s.placement.CountedGPUs(state)
	return outcome, s.bindPod(bound)
}

// findPlace is the pod with the node that it is reserved on. The error is a FitError if no node
// takes the pod, and else that of a plugin.
func (s *Snapshot) findPlace(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, length refusalLength) (*corev1.Pod, error) {
	diagnosis := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	feasible, err := s.feasibleNodes(ctx, state, pod, &diagnosis)
	if err != nil {
		return nil, err
	}
	if len(feasible) == 0 {
		if diagnosis.PreFilterMsg == "" && length == withRemedy {
			diagnosis.PostFilterMsg = s.placement.ExplainRefusal(ctx, state, pod, diagnosis.NodeToStatus, explainTimeout)
		}
		return nil, &framework.FitError{Pod: pod, NumAllNodes: len(s.nodes), Diagnosis: diagnosis}
	}
	node, err := s.bestNode(ctx, state, pod, feasible)
	if err != nil {
		return nil, err
	}
	bound := pod.DeepCopy()
	bound.Spec.NodeName = node
	s.claims.reserved = nil
	if status := s.framework.RunReservePluginsReserve(ctx, state, bound, node); !status.IsSuccess() {
		s.framework.RunReservePluginsUnreserve(ctx, state, bound, node)
		return nil, fmt.Errorf("reserving on node %s: %w", node, status.AsError())
	}
	return bound, nil
}

// pluginFailure is what a plugin failed on, without the framework's words around it.
func pluginFailure(err error) string {
	text := err.Error()
	if at := strings.Index(text, " plugin: "); at >= 0 && strings.Contains(text[:at], "running ") {
		before, _, _ := strings.Cut(text[:at], "running ")
		text = before + text[at+len(" plugin: "):]
	}
	return text
}

// feasibleNodes are the nodes that no filter refuses. Why others are refused goes into the
// diagnosis.
func (s *Snapshot) feasibleNodes(
	ctx context.Context, state fwk.CycleState, pod *corev1.Pod, diagnosis *framework.Diagnosis,
) ([]fwk.NodeInfo, error) {
	nodes, err := s.lister.current.List()
	if err != nil {
		return nil, err
	}
	allowed, status, rejectedBy := s.framework.RunPreFilterPlugins(ctx, state, pod)
	switch {
	case status.IsRejected():
		diagnosis.NodeToStatus.SetAbsentNodesStatus(status)
		diagnosis.PreFilterMsg = status.Message()
		return nil, nil
	case !status.IsSuccess():
		return nil, status.AsError()
	}
	if !allowed.AllNodes() {
		diagnosis.NodeToStatus.SetAbsentNodesStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(rejectedBy))))
	}
	var mutex sync.Mutex
	var feasible []fwk.NodeInfo
	failures := map[string]error{}
	s.framework.Parallelizer().Until(ctx, len(nodes), func(i int) {
		name := nodes[i].Node().Name
		if !allowed.AllNodes() && !allowed.NodeNames.Has(name) {
			return
		}
		status := s.runFilters(ctx, state, pod, nodes[i])
		mutex.Lock()
		defer mutex.Unlock()
		switch {
		case status.IsSuccess():
			feasible = append(feasible, nodes[i])
		case status.Code() == fwk.Error:
			failures[name] = status.AsError()
		default:
			diagnosis.NodeToStatus.Set(name, status)
		}
	}, "Filter")
	if failed := slices.Sorted(maps.Keys(failures)); len(failed) > 0 { // of several the first, so that answers are alike
		return nil, fmt.Errorf("node %s: %w", failed[0], failures[failed[0]])
	}
	return feasible, ctx.Err()
}

// runFilters runs the filters on a node. A plugin that panics on what no API server would have let
// in fails on this pod alone.
func (s *Snapshot) runFilters(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (status *fwk.Status) {
	defer func() {
		if cause := recover(); cause != nil {
			status = fwk.AsStatus(fmt.Errorf("the scheduler's plugins cannot cope with the pod: %v", cause))
		}
	}()
	return s.framework.RunFilterPlugins(ctx, state, pod, node)
}

// bestNode is the feasible node with the highest score.
func (s *Snapshot) bestNode(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, feasible []fwk.NodeInfo) (string, error) {
	if len(feasible) == 1 {
		return feasible[0].Node().Name, nil
	}
	if status := s.framework.RunPreScorePlugins(ctx, state, pod, feasible); !status.IsSuccess() {
		return "", status.AsError()
	}
	scores, status := s.framework.RunScorePlugins(ctx, state, pod, feasible)
	if !status.IsSuccess() {
		return "", status.AsError()
	}
	best := scores[0]
	for _, score := range scores[1:] {
		if score.TotalScore > best.TotalScore || score.TotalScore == best.TotalScore && score.Name < best.Name {
			best = score
		}
	}
	return best.Name, nil
}

// bookClaims does what binding does to the pod's claims.
func (s *Snapshot) bookClaims(pod *corev1.Pod) error {
	for _, claim := range s.claims.reserved {
		if claim.Annotations[resourceapi.ExtendedResourceClaimAnnotation] == "true" {
			claim.UID = s.admission.newUID()
			claim.Name = fmt.Sprintf("%s-extended-resources-%s", pod.Name, claim.UID)
			pod.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: claim.Name}
		}
		s.claims.reserveClaim(claim, pod)
	}
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return err
		}
		if ptr.Deref(name, "") == "" {
			continue
		}
		claim, err := s.claims.Get(pod.Namespace, *name)
		if err != nil {
			return err
		}
		s.claims.reserveClaim(claim.DeepCopy(), pod)
	}
	return nil
}
