package deviceplacement

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

func TestRequeueAfterVictim(t *testing.T) {
	for name, tc := range map[string]struct {
		nominated, leaves string
		want              fwk.QueueingHint
	}{
		"a pod leaves the nominated node": {"node-a", "node-a", fwk.Queue},
		"a pod leaves another node":       {"node-a", "node-b", fwk.QueueSkip},
		"nothing is nominated":            {"", "node-a", fwk.QueueSkip},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &v1.Pod{Status: v1.PodStatus{NominatedNodeName: tc.nominated}}
			gone := &v1.Pod{Spec: v1.PodSpec{NodeName: tc.leaves}}
			got, err := requeueAfterVictim(klog.Background(), pod, gone, nil)
			if err != nil || got != tc.want {
				t.Errorf("hint %v, error %v; want %v", got, err, tc.want)
			}
		})
	}
}
