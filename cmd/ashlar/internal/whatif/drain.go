package whatif

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// asked is a pod that is looked for a place for.
type asked struct {
	pod *corev1.Pod
	// from says where the pod comes from: "" for a manifest.
	from string
	// alike is the same for pods that differ in nothing but their names; nil for a
	// pod of its own kind.
	alike *Workload
	// claims are the pod's own.
	claims []*resourceapi.ResourceClaim
}

// Where pods come from.
const (
	fromQueue = "waits in the cluster"
	fromNode  = "node " // and its name
)

// drain cordons nodes and takes their pods away, as kubectl drain does, and returns
// the pods that controllers would make in their place. DaemonSets' and static pods
// stay.
func (w *world) drain(names []string) ([]asked, error) {
	for i, node := range w.nodes {
		if slices.Contains(names, node.Name) {
			w.nodes[i] = node.DeepCopy()
			w.nodes[i].Spec.Unschedulable = true
		}
	}
	var gone []*corev1.Pod
	var successors []asked
	for _, pod := range w.pods {
		if !slices.Contains(names, pod.Spec.NodeName) || staysOnNode(pod) {
			continue
		}
		next, err := w.again(pod)
		if err != nil {
			return nil, err
		}
		next.from = fromNode + pod.Spec.NodeName
		gone, successors = append(gone, pod), append(successors, next)
	}
	return successors, w.unbind(gone...)
}

// staysOnNode reports whether draining leaves a pod where it is.
func staysOnNode(pod *corev1.Pod) bool {
	if _, static := pod.Annotations[corev1.MirrorPodAnnotationKey]; static {
		return true
	}
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "DaemonSet"
}

// again is a pod as it would be made anew, with claims as it has now.
func (w *world) again(pod *corev1.Pod) (asked, error) {
	next := &corev1.Pod{ObjectMeta: *pod.ObjectMeta.DeepCopy(), Spec: *pod.Spec.DeepCopy()}
	next.Spec.NodeName = ""
	next.UID = w.admission.uid()
	result := asked{pod: next}
	for i := range pod.Spec.ResourceClaims {
		entry := &pod.Spec.ResourceClaims[i]
		if entry.ResourceClaimTemplateName == nil {
			continue
		}
		name, _, err := resourceclaim.Name(pod, entry)
		if err != nil || name == nil {
			return asked{}, fmt.Errorf("pod %s/%s: status.resourceClaimStatuses does not name the claim of %s: take the snapshot anew", pod.Namespace, pod.Name, entry.Name)
		}
		claim, err := w.claims.Get(pod.Namespace, *name)
		if err != nil {
			return asked{}, fmt.Errorf("pod %s/%s: its claim %s is not in the snapshot: take it anew, with resourceclaims", pod.Namespace, pod.Name, *name)
		}
		result.claims = append(result.claims, w.admission.claim(next, entry.Name, &claim.Spec))
	}
	return result, nil
}
