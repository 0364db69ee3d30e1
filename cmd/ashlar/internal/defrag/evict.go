package defrag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// podEvictor makes moves in a cluster.
type podEvictor struct {
	client   kubernetes.Interface
	timeout  time.Duration
	progress io.Writer
}

// pollInterval is how often the cluster is asked what has become of a move.
const pollInterval = 500 * time.Millisecond

// makeMove evicts a pod and waits until the one that its controller makes instead has a place.
func (e *podEvictor) makeMove(ctx context.Context, move *dryrun.PodMove) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	name := move.Namespace + "/" + move.Pod
	pod, err := e.client.CoreV1().Pods(move.Namespace).Get(ctx, move.Pod, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && (pod.UID != move.UID || pod.DeletionTimestamp != nil):
		return fmt.Errorf("pod %s went by itself before it was evicted", name)
	case err != nil:
		return fmt.Errorf("reading pod %s: %w", name, err)
	case pod.Spec.NodeName != move.From:
		return fmt.Errorf("pod %s is on node %s, not on %s as planned", name, pod.Spec.NodeName, move.From)
	}
	before, err := e.podsBeside(ctx, pod)
	if err != nil {
		return err
	}
	if move.Cordon {
		uncordon, err := e.cordonNode(ctx, move.From)
		if err != nil {
			return err
		}
		defer uncordon()
	}
	if err := e.evictPod(ctx, pod); err != nil {
		return err
	}
	after, err := e.awaitSuccessor(ctx, pod, before)
	if err != nil {
		return err
	}
	devices, err := e.devicesOf(ctx, after)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("  %s/%s is on %s with %s", after.Namespace, after.Name, after.Spec.NodeName, strings.Join(devices, " "))
	if after.Spec.NodeName != move.To || !slices.Equal(devices, move.Takes) {
		text += fmt.Sprintf(", not on %s with %s as planned: what is left is planned anew", move.To, strings.Join(move.Takes, " "))
	}
	fmt.Fprintln(e.progress, text)
	return nil
}

// evictPod asks for the eviction of a pod, again and again while its PodDisruptionBudget allows none.
func (e *podEvictor) evictPod(ctx context.Context, pod *corev1.Pod) error {
	eviction := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}},
	}
	for told := false; ; {
		err := e.client.PolicyV1().Evictions(pod.Namespace).Evict(ctx, eviction)
		switch {
		case err == nil:
			return nil
		case !apierrors.IsTooManyRequests(err):
			return fmt.Errorf("evicting pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		if !told {
			told = true
			fmt.Fprintf(e.progress, "  waits for its PodDisruptionBudget: %v\n", err)
		}
		if waitErr := pauseOrEnd(ctx); waitErr != nil {
			return fmt.Errorf("evicting pod %s/%s: its PodDisruptionBudget allowed none within %s: %w", pod.Namespace, pod.Name, e.timeout, err)
		}
	}
}

// pauseOrEnd waits for a moment, or ends with the context.
func pauseOrEnd(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollInterval):
		return nil
	}
}

// podsBeside are the pods of the same controller, by UID.
func (e *podEvictor) podsBeside(ctx context.Context, pod *corev1.Pod) (map[types.UID]*corev1.Pod, error) {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return nil, fmt.Errorf("pod %s/%s has no controller any more, and would not come back", pod.Namespace, pod.Name)
	}
	list, err := e.client.CoreV1().Pods(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods of namespace %s: %w", pod.Namespace, err)
	}
	beside := map[types.UID]*corev1.Pod{}
	for i := range list.Items {
		other := &list.Items[i]
		if of := metav1.GetControllerOf(other); of != nil && of.UID == owner.UID {
			beside[other.UID] = other
		}
	}
	return beside, nil
}

// awaitSuccessor waits until an evicted pod has gone and one that was not there before has a node.
func (e *podEvictor) awaitSuccessor(ctx context.Context, gone *corev1.Pod, before map[types.UID]*corev1.Pod) (*corev1.Pod, error) {
	why := "its controller made no other"
	for {
		now, err := e.podsBeside(ctx, gone)
		if err == nil {
			var successor *corev1.Pod
			for uid, pod := range now {
				if before[uid] != nil || pod.DeletionTimestamp != nil {
					continue
				}
				why = fmt.Sprintf("pod %s/%s, made instead, waits: %s", pod.Namespace, pod.Name, waitingReason(pod))
				if pod.Spec.NodeName != "" {
					successor = pod
				}
			}
			if successor != nil && now[gone.UID] == nil {
				return successor, nil
			}
			if successor != nil {
				why = fmt.Sprintf("it is still ending on node %s", gone.Spec.NodeName)
			}
		} else if ctx.Err() == nil {
			return nil, err
		}
		if err := pauseOrEnd(ctx); err != nil {
			return nil, fmt.Errorf("pod %s/%s was evicted, and after %s %s", gone.Namespace, gone.Name, e.timeout, why)
		}
	}
}

// waitingReason is what the scheduler said of a pod.
func waitingReason(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return "the scheduler has not looked at it"
}

// devicesOf lists the devices of a pod.
func (e *podEvictor) devicesOf(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	list, err := e.client.ResourceV1().ResourceClaims(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing claims of namespace %s: %w", pod.Namespace, err)
	}
	var claims []*resourceapi.ResourceClaim
	for i := range list.Items {
		claims = append(claims, &list.Items[i])
	}
	return dryrun.ListPodDevices(claims, pod.UID), nil
}

// uncordonTimeout is how long to try to open a node again, also after an interrupt.
const uncordonTimeout = 30 * time.Second

// cordonNode cordons a node that is open and returns what opens it again.
func (e *podEvictor) cordonNode(ctx context.Context, name string) (uncordon func(), err error) {
	node, err := e.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading node %s: %w", name, err)
	}
	if node.Spec.Unschedulable {
		return nil, fmt.Errorf("node %s was cordoned by somebody else since the plan was made", name)
	}
	if err := e.setUnschedulable(ctx, name, true); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), uncordonTimeout)
		defer cancel()
		for {
			err := e.setUnschedulable(ctx, name, false)
			if err == nil || errors.Is(pauseOrEnd(ctx), context.DeadlineExceeded) {
				if err != nil {
					fmt.Fprintf(e.progress, "node %s is still cordoned: %v: open it with kubectl uncordon %s\n", name, err, name)
				}
				return
			}
		}
	}, nil
}

func (e *podEvictor) setUnschedulable(ctx context.Context, name string, value bool) error {
	patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, value)
	_, err := e.client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("cordoning node %s: %w: plan with --cordon=false, or ask for the right to patch nodes", name, err)
	}
	return nil
}
