package deviceplacement

import (
	"context"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// A pod that finds nobody to end for devices of a pod without a node is tried again once that one has one.
func TestAwaitBindings(t *testing.T) {
	held := func(change ...func(*resourceapi.ResourceClaim)) *resourceapi.ResourceClaim {
		claim := held("n", newClaim("holder", gpuClass, 1), "gpu-0")
		for _, c := range change {
			c(claim)
		}
		return claim
	}
	unreserved := func(claim *resourceapi.ResourceClaim) { claim.Status.ReservedFor = nil }
	for name, tc := range map[string]struct {
		claim    *resourceapi.ResourceClaim
		holder   int32
		placed   bool
		priority int32
		tried    bool
	}{
		"its binding failed":                    {claim: held(), priority: 10, tried: true},
		"its binding failed, nothing reserved":  {claim: held(unreserved), priority: 10, tried: true},
		"it had its node before":                {claim: held(), priority: 10, placed: true},
		"it has the same priority":              {claim: held(), priority: 10, holder: 10},
		"it has nothing":                        {claim: newClaim("holder", gpuClass, 1), priority: 10},
		"the other's priority is below its own": {claim: held(), priority: 10, holder: 20},
	} {
		t.Run(name, func(t *testing.T) {
			holder := newPod("holder", ofPriority(tc.holder))
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")), tc.claim, newClaim("pod", gpuClass, 1), holder)
			if tc.placed {
				s.nodes[0].AddPodInfo(podInfo(t, holder))
			}
			pod := newPod("pod", ofPriority(tc.priority))
			state := s.preFilter(pod)
			s.refusePod(context.Background(), state, pod, framework.NewDefaultNodeToStatus())
			bound := holder.DeepCopy()
			bound.Spec.NodeName = "n"
			if _, err := s.client.CoreV1().Pods(space).Update(t.Context(), bound, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			tried := false
			for deadline := time.Now().Add(2 * time.Second); !tried && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				s.activating.Lock()
				tried = slices.Contains(s.activated, pod)
				s.activating.Unlock()
				if listed, err := s.pods.Pods(space).Get("holder"); !tc.tried && err == nil && listed.Spec.NodeName != "" {
					break
				}
			}
			if tried != tc.tried {
				t.Errorf("tried again: %t, want %t", tried, tc.tried)
			}
		})
	}
}
