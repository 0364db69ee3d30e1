package deviceplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// writtenKey is in the state of a cycle once its pod's claims are written: the next to be written is
// that it is bound.
const writtenKey fwk.StateKey = Name + "/written"

type claimsWritten struct{}

// Clone implements fwk.StateData.
func (w claimsWritten) Clone() fwk.StateData { return w }

// keepsClaims reports whether a pod may be bound although the scheduler was told otherwise: the answer may
// be lost with the API server. Its claims must stay then, also when it is tried again since the watch has not
// shown it yet. A pod that is not bound after all finds them allocated, and goes where its devices are
// or gives them back.
func (p *Plugin) keepsClaims(ctx context.Context, state fwk.CycleState, pod *v1.Pod) bool {
	if _, err := state.Read(writtenKey); err != nil || !p.mayBeBound(ctx, pod) {
		return false
	}
	p.unanswered.Store(pod.UID, nil)
	return true
}

// stillKeepsClaims is keepsClaims for a later attempt of the pod.
func (p *Plugin) stillKeepsClaims(ctx context.Context, pod *v1.Pod) bool {
	if _, unanswered := p.unanswered.Load(pod.UID); !unanswered {
		return false
	}
	if p.mayBeBound(ctx, pod) {
		return true
	}
	p.unanswered.Delete(pod.UID)
	return false
}

// mayBeBound asks the API server whether a pod is bound. Without an answer it may be.
func (p *Plugin) mayBeBound(ctx context.Context, pod *v1.Pod) bool {
	now, err := p.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false
	case err != nil:
		return true
	}
	return now.UID == pod.UID && now.Spec.NodeName != ""
}
