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
// stay, and so do those that are being deleted.
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
			next.refusal = &podRefusal{reason: err.Error()}
		}
		next.From = fromNode + pod.Spec.NodeName
		gone, successors = append(gone, pod), append(successors, next)
	}
	return successors, s.UnbindPods(gone...)
}

// staysOnNode reports whether draining leaves a pod where it is, or it is on its way out already.
func staysOnNode(pod *corev1.Pod) bool { return whyOnNode(pod) != "" }

// whyOnNode says why no place is sought for a pod of a node that is drained, "" if one is.
func whyOnNode(pod *corev1.Pod) string {
	owner := metav1.GetControllerOf(pod)
	switch _, static := pod.Annotations[corev1.MirrorPodAnnotationKey]; {
	case static:
		return "static pods stay on their node"
	case owner != nil && owner.Kind == "DaemonSet":
		return "pods of a DaemonSet stay on their node"
	case podFinished(pod):
		return "pods that have ended need no other place"
	case pod.DeletionTimestamp == nil:
		return ""
	case owner != nil && owner.Kind == "StatefulSet":
		return "pods that are being deleted are left alone; the StatefulSet makes this one anew once it is gone, which was not asked about"
	}
	return "pods that are being deleted already are left alone"
}

// notesOnStaying say which pods of drained nodes no place is sought for.
func notesOnStaying(cluster *ClusterObjects, drained []string) []string {
	var reasons, notes []string
	names := map[string][]string{}
	for _, pod := range cluster.Pods {
		if pod.Spec.NodeName == "" || !slices.Contains(drained, pod.Spec.NodeName) {
			continue
		}
		reason := whyOnNode(pod)
		if reason == "" {
			continue
		}
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], pod.Name)
	}
	for _, reason := range reasons {
		notes = append(notes, "not moved: "+namedPods(names[reason])+": "+reason)
	}
	return notes
}

// RecreatePod is a bound pod as a controller would make it anew, with claims as it has
// now. The pod itself stays where it is. The error says which of its claims is not known, and comes
// with the pod.
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
			return result, fmt.Errorf("status.resourceClaimStatuses does not name its claim for %s: take the snapshot anew", entry.Name)
		}
		claim, err := s.claims.Get(pod.Namespace, *name)
		if err != nil {
			return result, fmt.Errorf("its claim %s is not in the snapshot: take it anew, with resourceclaims", *name)
		}
		result.Claims = append(result.Claims, s.admission.makeClaim(next, entry.Name, &claim.Spec))
	}
	return result, nil
}
