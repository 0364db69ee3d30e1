package deviceplacement

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
)

// Whoever waits for memory or GPUs of a node's device plugin hears of pods that leave it.
func TestRequeueAfterDevicePluginsPod(t *testing.T) {
	gone := countedPod("gone", "1")
	gone.Spec.NodeName = "node-a"
	got, err := (&Plugin{source: &dra.Source{}}).requeueAfterVictim(klog.Background(), countedPod("pod", "1"), gone, nil)
	if err != nil || got != fwk.Queue {
		t.Errorf("hint %v, error %v; want %v", got, err, fwk.Queue)
	}
}

func TestRequeueAfterVictim(t *testing.T) {
	for name, tc := range map[string]struct {
		nominated, leaves string
		priority          int32
		preempted         bool
		want              fwk.QueueingHint
	}{
		"a pod leaves the nominated node":        {"node-a", "node-a", 0, false, fwk.Queue},
		"a pod leaves another node":              {"node-a", "node-b", 9, false, fwk.QueueSkip},
		"a gang's pod is ended on another node":  {"node-a", "node-b", 9, true, fwk.Queue},
		"it was ended for a pod above this one":  {"node-a", "node-b", 0, true, fwk.QueueSkip},
		"nothing is nominated":                   {"", "node-a", 0, false, fwk.QueueSkip},
		"nothing yet, but the other was a lower": {"", "node-a", 9, false, fwk.Queue},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &v1.Pod{Spec: v1.PodSpec{Priority: &tc.priority}, Status: v1.PodStatus{NominatedNodeName: tc.nominated}}
			gone := boundPodOf(tc.leaves)
			if tc.preempted {
				preempted := v1.PodCondition{Type: v1.DisruptionTarget, Reason: v1.PodReasonPreemptionByScheduler}
				gone.Status.Conditions = append(gone.Status.Conditions, preempted)
			}
			got, err := (&Plugin{source: &dra.Source{}}).requeueAfterVictim(klog.Background(), pod, gone, nil)
			if err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}

// A pod is tried again once its own annotations of a model server are other ones, not after each change
// of its status.
func TestRequeueAnnotated(t *testing.T) {
	plain := newPod("server")
	stated := newPod("server", func(pod *v1.Pod) { pod.Annotations = map[string]string{"ashlar.dev/gpu-memory": "10Gi"} })
	noted := newPod("server", func(pod *v1.Pod) { pod.Annotations = map[string]string{"example.com/note": "10Gi"} })
	for name, tc := range map[string]struct {
		before, after *v1.Pod
		want          fwk.QueueingHint
	}{
		"an annotation comes":      {plain, stated, fwk.Queue},
		"an annotation goes":       {stated, plain, fwk.Queue},
		"another's annotation":     {plain, noted, fwk.QueueSkip},
		"the status alone changes": {stated, stated.DeepCopy(), fwk.QueueSkip},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := requeueAnnotated(klog.Background(), tc.after, tc.before, tc.after)
			if err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}

func nominatedFor(node string) func(*v1.Pod) {
	return func(pod *v1.Pod) { pod.Status.NominatedNodeName = node }
}

func boundPodOf(node string) *v1.Pod {
	pod := &v1.Pod{Spec: v1.PodSpec{NodeName: node}}
	pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodScheduled, Status: v1.ConditionTrue}}
	return pod
}

// A pod that was not bound after all gives back devices that no claim in the API has: all hear of it
// but those of its own group.
func TestRequeueAfterGivenBack(t *testing.T) {
	member := func(name, group string) *v1.Pod {
		return newPod(name, func(pod *v1.Pod) { pod.Labels = map[string]string{v1alpha1.PodGroupLabel: group} })
	}
	unclaimed := func(pod *v1.Pod) *v1.Pod {
		pod.Spec.ResourceClaims = nil
		pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{gpuResource: resource.MustParse("1")}
		return pod
	}
	s := newFakeScheduler(t, nil, nil)
	for name, tc := range map[string]struct {
		pod, gone *v1.Pod
		node      string
		want      fwk.QueueingHint
	}{
		"a pod in no group":                 {newPod("pod"), member("gang-0", "gang"), "node-a", fwk.Queue},
		"a pod of another group":            {member("other-0", "other"), member("gang-0", "gang"), "node-a", fwk.Queue},
		"a pod of that pod's group":         {member("gang-1", "gang"), member("gang-0", "gang"), "node-a", fwk.QueueSkip},
		"it still holds what it was to get": {newPod("pod", nominatedFor("b")), member("gang-0", "gang"), "", fwk.QueueSkip},
		"it asked for an extended resource": {newPod("pod"), unclaimed(member("gang-0", "gang")), "node-a", fwk.Queue},
	} {
		t.Run(name, func(t *testing.T) {
			tc.gone.Spec.NodeName = tc.node
			if got, err := s.requeueAfterVictim(klog.Background(), tc.pod, tc.gone, nil); err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}

// A pod whose group was refused hears of what may give the group room, not of its own group's pods
// that give a node back.
func TestRequeueRefusedGroup(t *testing.T) {
	member := func(name, group string) *v1.Pod {
		return newPod(name, func(pod *v1.Pod) { pod.Labels = map[string]string{v1alpha1.PodGroupLabel: group} })
	}
	hints := func(p *Plugin, resource fwk.EventResource, action fwk.ActionType) []fwk.QueueingHintFn {
		var found []fwk.QueueingHintFn
		for _, event := range p.groupEvents() {
			if event.Event.Resource == resource && event.Event.ActionType&action != 0 {
				found = append(found, event.QueueingHintFn)
			}
		}
		return found
	}
	for name, tc := range map[string]struct {
		refused  bool
		resource fwk.EventResource
		action   fwk.ActionType
		before   any
		want     fwk.QueueingHint
	}{
		"another pod has left its node":    {true, fwk.AssignedPod, fwk.Delete, member("other", "others"), fwk.Queue},
		"one of the group gave its back":   {true, fwk.AssignedPod, fwk.Delete, member("gang-1", "gang"), fwk.QueueSkip},
		"another pod needs less":           {true, fwk.AssignedPod, fwk.UpdatePodScaleDown, member("other", "others"), fwk.Queue},
		"a node has another taint":         {true, fwk.Node, fwk.UpdateNodeTaint, hostNode("a"), fwk.Queue},
		"the pod tolerates more":           {true, fwk.TargetPod, fwk.UpdatePodToleration, member("gang-0", "gang"), fwk.Queue},
		"the pod needs less":               {true, fwk.TargetPod, fwk.UpdatePodScaleDown, member("gang-0", "gang"), fwk.Queue},
		"the group was not refused at all": {false, fwk.TargetPod, fwk.UpdatePodToleration, member("gang-0", "gang"), fwk.QueueSkip},
	} {
		t.Run(name, func(t *testing.T) {
			pod := member("gang-0", "gang")
			p := &Plugin{plans: newGroupPlans(nil)}
			if tc.refused {
				p.plans.readRecord(types.NamespacedName{Namespace: space, Name: "gang"}, func(r *groupRecord) { r.refusal = &groupRefusal{} })
			}
			registered := hints(p, tc.resource, tc.action)
			if len(registered) != 1 {
				t.Fatalf("%d hints are registered for the event, want 1", len(registered))
			}
			got, err := registered[0](klog.Background(), pod, tc.before, nil)
			if err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}
