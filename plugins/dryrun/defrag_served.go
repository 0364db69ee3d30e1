package dryrun

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// ServedPods counts the pods of the manifest's objects that are in the cluster and have a node.
func (m *AppliedManifest) ServedPods(cluster *ClusterObjects) int {
	served := 0
	for _, pod := range cluster.BoundPods() {
		for _, w := range m.Workloads {
			if madeBy(pod, w) {
				served++
				break
			}
		}
	}
	return served
}

// madeBy reports whether a pod is of a workload: the Pod itself, or one whose controller bears its
// name, as the ReplicaSets of a Deployment do in front of a hash.
func madeBy(pod *corev1.Pod, w *podspec.Workload) bool {
	if w.Name == "" || pod.Namespace != w.Namespace {
		return false
	}
	owner := metav1.GetControllerOf(pod)
	if w.Kind == "Pod" || owner == nil {
		return w.Kind == "Pod" && owner == nil && pod.Name == w.Name
	}
	hash, hashed := strings.CutPrefix(owner.Name, w.Name+"-")
	return owner.Kind == w.Kind && owner.Name == w.Name || w.Kind == "Deployment" && owner.Kind == "ReplicaSet" && hashed &&
		!strings.Contains(hash, "-")
}

// ListPodDevices lists the devices that a pod's claims hold, in the words of PodMove.
func ListPodDevices(claims []*resourceapi.ResourceClaim, pod types.UID) []string {
	return deviceNames(claimsByUser(claims)[pod])
}
