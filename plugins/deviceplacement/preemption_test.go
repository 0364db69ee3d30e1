package deviceplacement

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

func podInfo(t testing.TB, pod *v1.Pod) fwk.PodInfo {
	t.Helper()
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// RemovePod frees the devices of a pod for Filter, AddPod gives them back, or takes those
// that a nominated pod would get.
func TestAddAndRemovePod(t *testing.T) {
	type step struct {
		add bool
		pod *v1.Pod
	}
	remove := func(name string) step { return step{pod: newPod(name, on("n"))} }
	reprieve := func(name string) step { return step{add: true, pod: newPod(name, on("n"))} }
	nominate := func(name string) step { return step{add: true, pod: newPod(name)} }
	full := []runtime.Object{
		publish("n", fourGPUs()...),
		held("n", newClaim("one", gpuClass, 2), "gpu-0", "gpu-1"), held("n", newClaim("two", gpuClass, 2), "gpu-2", "gpu-3"),
		newClaim("small", gpuClass, 1), newClaim("classless", "none", 1), newClaim("large", gpuClass, 4),
	}
	shared := func() *resourceapi.ResourceClaim {
		claim := held("n", newClaim("one", gpuClass, 2), "gpu-0", "gpu-1")
		claim.Status.ReservedFor = append(
			claim.Status.ReservedFor, resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: "sharer", UID: "pod-sharer"},
		)
		return claim
	}
	sharer := newPod("sharer", on("n"), func(pod *v1.Pod) { name := "one"; pod.Spec.ResourceClaims[0].ResourceClaimName = &name })
	for name, tc := range map[string]struct {
		claim   *resourceapi.ResourceClaim
		objects []runtime.Object
		steps   []step
		want    fwk.Code
	}{
		"all are there":        {newClaim("pod", gpuClass, 2), full, nil, fwk.Unschedulable},
		"one is gone":          {newClaim("pod", gpuClass, 2), full, []step{remove("one")}, fwk.Success},
		"one is gone, too few": {newClaim("pod", gpuClass, 3), full, []step{remove("one")}, fwk.Unschedulable},
		"both are gone":        {newClaim("pod", gpuClass, 4), full, []step{remove("one"), remove("two")}, fwk.Success},
		"more than the node has": {
			newClaim("pod", gpuClass, 5), full, []step{remove("one"), remove("two")}, fwk.UnschedulableAndUnresolvable,
		},
		"one is reprieved": {
			newClaim("pod", gpuClass, 4), full, []step{remove("one"), remove("two"), reprieve("one")}, fwk.Unschedulable,
		},
		"a nominated pod holds what is free": {newClaim("pod", gpuClass, 2), full[:2], []step{nominate("small")}, fwk.Unschedulable},
		"a nominated pod leaves enough":      {newClaim("pod", gpuClass, 1), full[:2], []step{nominate("small")}, fwk.Success},
		"a nominated pod beside one that is gone": {
			newClaim("pod", gpuClass, 2), full, []step{remove("one"), nominate("small")}, fwk.Unschedulable,
		},
		"a nominated pod that does not fit yet holds what it will use": {
			newClaim("pod", gpuClass, 1), full[:2], []step{nominate("large")}, fwk.Unschedulable,
		},
		"it is no longer nominated": {
			newClaim("pod", gpuClass, 2), full[:2], []step{nominate("small"), {pod: newPod("small")}}, fwk.Success,
		},
		"a nominated pod that cannot be read": {newClaim("pod", gpuClass, 2), full[:2], []step{nominate("classless")}, fwk.Success},
		"a claim that another pod uses": {
			newClaim("pod", gpuClass, 3), []runtime.Object{full[0], shared()}, []step{remove("one")}, fwk.Unschedulable,
		},
		"a claim of which all users are gone": {
			newClaim("pod", gpuClass, 3), []runtime.Object{full[0], shared()}, []step{remove("one"), {pod: sharer}}, fwk.Success,
		},
		"a share is given back": {
			newClaim("pod", shareClass, 1, shareOf("60Gi")), []runtime.Object{
				publish("n", gpuShare(0), wholeGPU(0, "X")), heldShare("n", "one", "gpu-0-share", "30Gi"),
			},
			[]step{remove("one")}, fwk.Success,
		},
		"a passthrough device is given back": {
			newClaim("pod", vfioClass, 1), []runtime.Object{
				publish("n", wholeGPU(0, "X"), vfioDevice(0)), held("n", newClaim("one", vfioClass, 1), "gpu-vfio-0"),
			},
			[]step{remove("one")}, fwk.Success,
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := append([]runtime.Object{tc.claim}, tc.objects...)
			if len(tc.objects) == 2 && tc.objects[1] == full[1] {
				objects = append(objects, full[3:]...) // what a nominated pod asks for
			}
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
			pod, ctx := newPod("pod"), context.Background()
			state := s.preFilter(pod)
			clone := state.Clone() // as the framework does for each node
			for _, step := range tc.steps {
				act := s.PreFilterExtensions().RemovePod
				if step.add {
					act = s.PreFilterExtensions().AddPod
				}
				if status := act(ctx, clone, pod, podInfo(t, step.pod), s.nodes[0]); !status.IsSuccess() {
					t.Fatal(status)
				}
			}
			if status := s.Filter(ctx, clone, pod, s.nodes[0]); status.Code() != tc.want {
				t.Errorf("status %s %q, want %s", status.Code(), status.Message(), tc.want)
			}
			if changesOf(state) != nil {
				t.Error("changes of one node reach the state of the cycle")
			}
		})
	}
}

// Copies of the changes of a node share nothing.
func TestChangesAreCopied(t *testing.T) {
	state := framework.NewCycleState()
	ensureChanges(state).removed["a"] = newPod("a")
	clone := state.Clone()
	ensureChanges(clone).removed["b"] = newPod("b")
	if got := len(changesOf(state).removed); got != 1 {
		t.Errorf("%d pods are removed, want 1", got)
	}
}
