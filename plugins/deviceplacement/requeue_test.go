package deviceplacement

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Whoever waits for memory or GPUs of a node's device plugin hears of pods that leave it.
func TestRequeueAfterDevicePluginsPod(t *testing.T) {
	gone := countedPod("gone", "1")
	gone.Spec.NodeName = "node-a"
	got, err := requeueAfterVictim(klog.Background(), countedPod("pod", "1"), gone, nil)
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
			gone := &v1.Pod{Spec: v1.PodSpec{NodeName: tc.leaves}}
			if tc.preempted {
				gone.Status.Conditions = []v1.PodCondition{{Type: v1.DisruptionTarget, Reason: v1.PodReasonPreemptionByScheduler}}
			}
			got, err := requeueAfterVictim(klog.Background(), pod, gone, nil)
			if err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}
