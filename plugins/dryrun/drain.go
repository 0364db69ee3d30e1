package dryrun

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// DrainNodes cordons nodes and takes their pods away, as kubectl drain does, and returns
// the pods that controllers would make in their place. DaemonSets' and static pods
// stay.
func (s *Snapshot) DrainNodes(names []string) ([]PendingPod, error) {
	for i, node := range s.nodes {
		if slices.Contains(names, node.Name) {
			s.nodes[i] = node.DeepCopy()
			s.nodes[i].Spec.Unschedulable = true
		}
	}
	var gone []*corev1.Pod
	var successors []PendingPod
	for _, pod := range s.pods {
		if !slices.Contains(names, pod.Spec.NodeName) || staysOnNode(pod) {
			continue
		}
		next, err := s.RecreatePod(pod)
		if err != nil {
			return nil, err
		}
		next.From = fromNode + pod.Spec.NodeName
		gone, successors = append(gone, pod), append(successors, next)
	}
	return successors, s.UnbindPods(gone...)
}

// staysOnNode reports whether draining leaves a pod where it is.
func staysOnNode(pod *corev1.Pod) bool {
	if _, static := pod.Annotations[corev1.MirrorPodAnnotationKey]; static {
		return true
	}
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "DaemonSet"
}

// RecreatePod is a bound pod as a controller would make it anew, with claims as it has
// now. The pod itself stays where it is.
func (s *Snapshot) RecreatePod(pod *corev1.Pod) (PendingPod, error) {
	next := &corev1.Pod{ObjectMeta: *pod.ObjectMeta.DeepCopy(), Spec: *pod.Spec.DeepCopy()}
	next.Spec.NodeName = ""
	next.UID = s.admission.newUID()
	result := PendingPod{Pod: next}
	for i := range pod.Spec.ResourceClaims {
		entry := &pod.Spec.ResourceClaims[i]
		if entry.ResourceClaimTemplateName == nil {
			continue
		}
		name, _, err := resourceclaim.Name(pod, entry)
		if err != nil || name == nil {
			return PendingPod{}, fmt.Errorf("pod %s/%s: status.resourceClaimStatuses does not name the claim of %s: take the snapshot anew",
				pod.Namespace, pod.Name, entry.Name)
		}
		claim, err := s.claims.Get(pod.Namespace, *name)
		if err != nil {
			return PendingPod{}, fmt.Errorf("pod %s/%s: its claim %s is not in the snapshot: take it anew, with resourceclaims",
				pod.Namespace, pod.Name, *name)
		}
		result.Claims = append(result.Claims, s.admission.makeClaim(next, entry.Name, &claim.Spec))
	}
	return result, nil
}
