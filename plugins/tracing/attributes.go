package tracing

import (
	"go.opentelemetry.io/otel/attribute"
	v1 "k8s.io/api/core/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// What spans say, under OpenTelemetry's own names where it has some.
const (
	// PodKey, NamespaceKey and PodUIDKey are of the pod whose cycle it is.
	PodKey       attribute.Key = "k8s.pod.name"
	NamespaceKey attribute.Key = "k8s.namespace.name"
	PodUIDKey    attribute.Key = "k8s.pod.uid"
	// NodeKey is the node that was chosen.
	NodeKey attribute.Key = "k8s.node.name"
	// SchedulerKey is the name that the pod gives as its scheduler's.
	SchedulerKey attribute.Key = "ashlar.scheduler"
	// ClaimsKey lists the ResourceClaims of the pod that have a name.
	ClaimsKey attribute.Key = "ashlar.claims"
	// NodesKey is how many nodes there were to choose from, and CandidatesKey how many of
	// them were asked; without it all were.
	NodesKey      attribute.Key = "ashlar.nodes"
	CandidatesKey attribute.Key = "ashlar.candidates"
	// GroupKey is the PodGroup of the pod, and MembersKey how many pods of it have no node.
	GroupKey   attribute.Key = "ashlar.group"
	MembersKey attribute.Key = "ashlar.group.pending"
	// DevicesKey says which devices were chosen.
	DevicesKey attribute.Key = "ashlar.devices"
	// RefusalKey says why not, and CauseKey the same in a word of the metric ashlar_pending_pods.
	RefusalKey attribute.Key = "ashlar.refusal"
	CauseKey   attribute.Key = "ashlar.cause"
	// OutcomeKey is how the cycle ended: one of the outcomes below.
	OutcomeKey attribute.Key = "ashlar.outcome"
)

// Outcomes of a cycle.
const (
	// Bound: the pod has its node and its devices.
	Bound = "bound"
	// Refused: no node serves the pod.
	Refused = "refused"
	// GivenBack: what was reserved was given back before the pod was bound.
	GivenBack = "given back"
	// EndedElsewhere: another plugin or the scheduler itself ended the attempt.
	EndedElsewhere = "ended elsewhere"
)

// describePod is what the trace of a pod's cycle says at its beginning.
func describePod(pod *v1.Pod) []attribute.KeyValue {
	all := []attribute.KeyValue{
		PodKey.String(pod.Name), NamespaceKey.String(pod.Namespace), PodUIDKey.String(string(pod.UID)),
		SchedulerKey.String(pod.Spec.SchedulerName),
	}
	var claims []string
	for i := range pod.Spec.ResourceClaims {
		if name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i]); err == nil && name != nil {
			claims = append(claims, *name)
		}
	}
	if len(claims) > 0 {
		all = append(all, ClaimsKey.StringSlice(claims))
	}
	return all
}
