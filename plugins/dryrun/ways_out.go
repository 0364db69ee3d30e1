package dryrun

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// WayOut is a change after which a pod's model server would start on devices of the cluster.
type WayOut struct {
	// Request is what the pod asks for, Count how many, Node the first node that has them.
	Request string `json:"request"`
	Count   int64  `json:"count"`
	Node    string `json:"node"`
	// Change is what to change of the server, in words, "" for nothing; Flags and Model are the
	// same, as they are typed.
	Change string   `json:"change,omitempty"`
	Flags  []string `json:"flags,omitempty"`
	Model  string   `json:"model,omitempty"`
	// Cost is a phrase, "" where nothing is lost.
	Cost string `json:"cost,omitempty"`
}

// addWaysOut adds all changes after which a pod's model server would start, if it starts on some
// nodes not for its memory and the pod found no place.
func (s *Snapshot) addWaysOut(ctx context.Context, replay *PodReplay, pod *corev1.Pod) {
	if replay.Placement.Pods[0].Node != "" {
		return
	}
	var refusals []string
	for i := range replay.Refused {
		if !slices.Contains(refusals, replay.Refused[i].Reason) {
			refusals = append(refusals, replay.Refused[i].Reason)
		}
	}
	for _, remedy := range s.placement.ListWaysOut(ctx, pod, refusals) {
		replay.WaysOut = append(replay.WaysOut, newWayOut(&remedy))
	}
}

func newWayOut(r *modelmemory.Remedy) WayOut {
	return WayOut{Request: r.Request, Count: r.Count, Node: r.Node, Change: r.DescribeChange(), Flags: r.Flags, Model: r.Model, Cost: r.Cost}
}
