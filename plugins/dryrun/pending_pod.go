package dryrun

import (
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// PendingPod is a pod that is looked for a place for.
type PendingPod struct {
	Pod *corev1.Pod
	// From says where the pod comes from: "" for a manifest.
	From string
	// Claims are the pod's own. They come into the snapshot when it is scheduled.
	Claims []*resourceapi.ResourceClaim
	// workload is what makes the pod, and template the same for pods that differ in nothing but
	// their names; nil for a pod of its own kind.
	workload *podspec.Workload
	template *podspec.PodTemplate
	// refusal is why the pod is not looked at; nil for others.
	refusal *podRefusal
}

// Where pods come from.
const (
	fromQueue = "waits in the cluster"
	fromNode  = "node " // and its name
)

// isAlike reports whether both pods differ in nothing but their names.
func (p *PendingPod) isAlike(other *PendingPod) bool {
	return p.template != nil && p.template == other.template
}

// PodOutcome is what became of a pod.
type PodOutcome struct {
	PendingPod
	// Bound is the pod with its node and claims; nil for one that waits, for the reason
	// that Refusal gives in the scheduler's words.
	Bound   *corev1.Pod
	Refusal string
	// Counted is what it got from a device plugin.
	Counted deviceplacement.CountedGPUs
	// rejected says that the API server refuses the pod, so that it does not even wait.
	rejected bool
}
