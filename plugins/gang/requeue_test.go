package gang

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
)

func groupObject(name string, minMember int64, phase string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": space, "name": name},
		"spec":     map[string]any{"minMember": minMember},
		"status":   map[string]any{"phase": phase},
	}}
}

func TestHintGroupChange(t *testing.T) {
	member := memberPod("gang-0", "gang")
	for name, tc := range map[string]struct {
		pod           *v1.Pod
		before, after any
		want          fwk.QueueingHint
		wantError     bool
	}{
		"own group made":           {pod: member, after: groupObject("gang", 3, ""), want: fwk.Queue},
		"another group made":       {pod: member, after: groupObject("other", 3, ""), want: fwk.QueueSkip},
		"own group's spec changed": {pod: member, before: groupObject("gang", 3, ""), after: groupObject("gang", 2, ""), want: fwk.Queue},
		"own group's status": {
			pod: member, before: groupObject("gang", 3, "Pending"), after: groupObject("gang", 3, "Running"),
			want: fwk.QueueSkip,
		},
		"another group's spec":      {pod: member, before: groupObject("other", 3, ""), after: groupObject("other", 2, ""), want: fwk.QueueSkip},
		"a pod in no group":         {pod: memberPod("alone", ""), after: groupObject("gang", 3, ""), want: fwk.QueueSkip},
		"an object of another kind": {pod: member, after: member, want: fwk.Queue, wantError: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			got, err := s.hintGroupChange(klog.Background(), tc.pod, tc.before, tc.after)
			if got != tc.want || (err != nil) != tc.wantError {
				t.Errorf("got %v, %v; want %v, error %v", got, err, tc.want, tc.wantError)
			}
		})
	}
}

// The scheduler finds a resource that is not built in by a name of three parts.
func TestEventsToRegister(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	events, err := s.EventsToRegister(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	found := map[fwk.EventResource]fwk.ActionType{}
	for _, event := range events {
		found[event.Event.Resource] = event.Event.ActionType
	}
	if found[fwk.Pod] != fwk.Add || found["podgroups.v1alpha1.scheduling.x-k8s.io"] != fwk.Add|fwk.Update {
		t.Errorf("got %v", found)
	}
}
