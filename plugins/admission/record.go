package admission

import (
	"encoding/json"

	v1 "k8s.io/api/core/v1"
)

// RecordAnnotation says what was changed in a pod: a Record in JSON.
const RecordAnnotation = "ashlar.dev/admission"

// Record is what was changed in a pod.
type Record struct {
	// Claims are the claims that it was given.
	Claims []RecordedClaim `json:"claims,omitempty"`
	// Scheduler is what spec.schedulerName was, and is.
	Scheduler *RecordedChange `json:"schedulerName,omitempty"`
	// NotKept are keys that were read and have no equal, with the reason.
	NotKept []string `json:"notKept,omitempty"`
}

// RecordedClaim is a claim of some containers.
type RecordedClaim struct {
	Containers []string `json:"containers"`
	Template   string   `json:"resourceClaimTemplate"`
	// Means is what it asks for, in words.
	Means string `json:"means"`
	// From are the keys that it was made of, and Removed the resources that were taken out of the
	// containers, since no node offers them or the claim stands for them.
	From    map[string]string `json:"from,omitempty"`
	Removed map[string]string `json:"removed,omitempty"`
}

// RecordedChange is a field's value before and after.
type RecordedChange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// writeTo writes the record to the pod's annotation.
func (r *Record) writeTo(pod *v1.Pod) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[RecordAnnotation] = string(text)
	return nil
}
