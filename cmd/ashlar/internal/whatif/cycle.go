package whatif

import (
	"context"
	"fmt"
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

// explainWithin is how long the search for what would make a pod fit may take.
const explainWithin = 10 * time.Second

// schedule runs one scheduling cycle, as kube-scheduler's schedule_one.go does: it
// looks at all nodes, takes the one with the highest score, the first by name among
// equals, and reserves. It returns the pod as bound, or nil and the scheduler's words
// why no node will do.
func (w *world) schedule(ctx context.Context, pod *corev1.Pod) (bound *corev1.Pod, refusal string, err error) {
	state := framework.NewCycleState()
	diagnosis := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	feasible, err := w.feasible(ctx, state, pod, &diagnosis)
	if err != nil {
		return nil, "", err
	}
	if len(feasible) == 0 {
		if diagnosis.PreFilterMsg == "" {
			diagnosis.PostFilterMsg = w.placement.Explain(ctx, state, diagnosis.NodeToStatus, explainWithin)
		}
		unfit := framework.FitError{Pod: pod, NumAllNodes: len(w.nodes), Diagnosis: diagnosis}
		return nil, unfit.Error(), nil
	}
	node, err := w.best(ctx, state, pod, feasible)
	if err != nil {
		return nil, "", err
	}
	bound = pod.DeepCopy()
	bound.Spec.NodeName = node
	w.claims.reserved = nil
	if status := w.framework.RunReservePluginsReserve(ctx, state, bound, node); !status.IsSuccess() {
		return nil, "", fmt.Errorf("reserving on node %s: %w", node, status.AsError())
	}
	if err := w.book(bound); err != nil {
		return nil, "", err
	}
	return bound, "", w.bind(bound)
}

// feasible are the nodes that no filter refuses. Why others are refused goes into the
// diagnosis.
func (w *world) feasible(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	nodes, err := w.lister.current.List()
	if err != nil {
		return nil, err
	}
	allowed, status, rejectedBy := w.framework.RunPreFilterPlugins(ctx, state, pod)
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
	var failed error
	w.framework.Parallelizer().Until(ctx, len(nodes), func(i int) {
		name := nodes[i].Node().Name
		if !allowed.AllNodes() && !allowed.NodeNames.Has(name) {
			return
		}
		status := w.framework.RunFilterPlugins(ctx, state, pod, nodes[i])
		mutex.Lock()
		defer mutex.Unlock()
		switch {
		case status.IsSuccess():
			feasible = append(feasible, nodes[i])
		case status.Code() == fwk.Error:
			failed = fmt.Errorf("node %s: %w", name, status.AsError())
		default:
			diagnosis.NodeToStatus.Set(name, status)
		}
	}, "Filter")
	if failed == nil {
		failed = ctx.Err()
	}
	return feasible, failed
}

// best is the feasible node with the highest score.
func (w *world) best(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, feasible []fwk.NodeInfo) (string, error) {
	if len(feasible) == 1 {
		return feasible[0].Node().Name, nil
	}
	if status := w.framework.RunPreScorePlugins(ctx, state, pod, feasible); !status.IsSuccess() {
		return "", status.AsError()
	}
	scores, status := w.framework.RunScorePlugins(ctx, state, pod, feasible)
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

// book does what binding does to the pod's claims.
func (w *world) book(pod *corev1.Pod) error {
	for _, claim := range w.claims.reserved {
		if claim.Annotations[resourceapi.ExtendedResourceClaimAnnotation] == "true" {
			claim.UID = w.admission.uid()
			claim.Name = fmt.Sprintf("%s-extended-resources-%s", pod.Name, claim.UID)
			pod.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: claim.Name}
		}
		w.claims.reserve(claim, pod)
	}
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil {
			return err
		}
		if ptr.Deref(name, "") == "" {
			continue
		}
		claim, err := w.claims.Get(pod.Namespace, *name)
		if err != nil {
			return err
		}
		w.claims.reserve(claim.DeepCopy(), pod)
	}
	return nil
}
