package deviceplacement

import (
	"context"
	"strconv"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// A pod of which the API server's answer says that it was not bound may be bound, if it was the answer that
// was lost: it keeps its claims as long as that is not known.
func TestUnreserveOfBoundPod(t *testing.T) {
	bound, elsewhere, again := newPod("pod", on("n")), newPod("pod", on("far")), newPod("pod", on("n"))
	again.UID = "another"
	for name, tc := range map[string]struct {
		now  *v1.Pod // nil: it is gone
		err  error
		keep bool
	}{
		"it is bound":                        {now: bound, keep: true},
		"it is not":                          {now: newPod("pod")},
		"it is bound to another node":        {now: elsewhere, keep: true},
		"it is gone":                         {},
		"another pod of the name is bound":   {now: again},
		"the API server does not answer yet": {err: errReset, keep: true},
	} {
		t.Run(name, func(t *testing.T) {
			pod := newPod("pod")
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")), newClaim("pod", gpuClass, 1, version("5")))
			client, ok := s.client.(*fake.Clientset)
			if !ok {
				t.Fatalf("the client is a %T", s.client)
			}
			written, given := 5, false
			client.PrependReactor("update", "resourceclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
				if update, ok := action.(clienttesting.UpdateActionImpl); ok {
					if claim, ok := update.GetObject().(*resourceapi.ResourceClaim); ok {
						written++
						claim.ResourceVersion = strconv.Itoa(written)
					}
				}
				return false, nil, nil
			})
			client.PrependReactor("patch", "resourceclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
				given = true
				return true, newClaim("pod", gpuClass, 1), nil
			})
			client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
				if tc.err == nil && tc.now == nil {
					return true, nil, apierrors.NewNotFound(v1.Resource("pods"), "pod")
				}
				return true, tc.now, tc.err
			})
			state := s.reserveOn(pod, "n")
			if status := s.PreBind(context.Background(), state, pod, "n"); !status.IsSuccess() {
				t.Fatal(status)
			}
			s.Unreserve(context.Background(), state, pod, "n")
			if given == tc.keep {
				t.Errorf("the claim was given back: %t, want %t", given, !tc.keep)
			}
			// It is tried again before the watch shows it, and refused for something else.
			if got := s.stillKeepsClaims(context.Background(), pod); got != tc.keep {
				t.Errorf("it keeps its claims when it is tried again: %t, want %t", got, tc.keep)
			}
			if tc.keep {
				refused := s.refusePod(context.Background(), framework.NewCycleState(), pod, framework.NewDefaultNodeToStatus())
				if refused.status.Message() != unansweredWords {
					t.Errorf("refused with %q, want %q", refused.status.Message(), unansweredWords)
				}
			}
			tc.now, tc.err = newPod("pod"), nil
			if s.stillKeepsClaims(context.Background(), pod) {
				t.Error("it keeps its claims, and the API server says that it is not bound")
			}
		})
	}
}
