package deviceplacement

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestPendingCause(t *testing.T) {
	code := func(c placement.ReasonCode) metrics.PendingCause { return metrics.PendingCause(c) }
	all := publish("a", fourGPUs()...)
	for name, tc := range map[string]struct {
		pod     *v1.Pod
		objects []runtime.Object
		nodes   []*v1.Node // a, if there are none
		// elsewhere refuses node a for another plugin.
		elsewhere string
		reason    string
		want      metrics.PendingCause
	}{
		"nothing is published": {objects: []runtime.Object{newClaim("pod", gpuClass, 1)}, want: metrics.NothingServes},
		"a resource that nothing serves": {
			pod: newPod("pod", func(pod *v1.Pod) {
				*pod = *countedPod("pod", "1")
				requests := pod.Spec.Containers[0].Resources.Requests
				clear(requests)
				requests["example.org/gpu"] = resource.MustParse("1")
			}),
			objects: []runtime.Object{all}, want: metrics.NothingServes,
		},
		"a claim that is not there": {objects: []runtime.Object{all}, want: metrics.PodInvalid},
		"another kind": {
			objects: []runtime.Object{all, newClaim("pod", gpuClass, 1, where(`device.driver == "none"`))}, want: code(placement.NoMatch),
		},
		"held": {
			objects: []runtime.Object{all, newClaim("pod", gpuClass, 4), held("a", newClaim("one", gpuClass, 1), "gpu-0")},
			want:    code(placement.GPUsBusy),
		},
		// b has nothing of the kind, but what is held on a may come free.
		"held on one node of two": {
			nodes: []*v1.Node{newNode("a"), newNode("b")},
			objects: []runtime.Object{
				all, publish("b", gpuShare(0)), newClaim("pod", gpuClass, 4), held("a", newClaim("one", gpuClass, 1), "gpu-0"),
			},
			want: code(placement.GPUsBusy),
		},
		"slices taken": {
			objects: []runtime.Object{
				publish("a", migSlice(0, 0)), newClaim("pod", sliceClass, 1), held("a", newClaim("one", sliceClass, 1), "gpu-0-mig-1g10gb-19-0"),
			},
			want: code(placement.SlicesTaken),
		},
		"a share too large": {
			objects: []runtime.Object{
				publish("a", gpuShare(0)), newClaim("pod", shareClass, 1, shareOf("20Gi")), heldShare("a", "one", "gpu-0-share", "70Gi"),
			},
			want: code(placement.MemoryShort),
		},
		"refused by another plugin": {
			objects: []runtime.Object{all, newClaim("pod", gpuClass, 1)}, elsewhere: "TaintToleration", want: metrics.OtherPlugins,
		},
		"a device plugin's GPUs in use": {
			pod: countedPod("pod", "1"), nodes: []*v1.Node{countedNode("a", "NVIDIA-A30", "24576", "4")},
			elsewhere: "NodeResourcesFit", reason: "Insufficient nvidia.com/gpu", want: code(placement.GPUsBusy),
		},
		"a device plugin's node without CPU": {
			pod: countedPod("pod", "1"), nodes: []*v1.Node{countedNode("a", "NVIDIA-A30", "24576", "4")},
			elsewhere: "NodeResourcesFit", reason: "Insufficient cpu", want: metrics.OtherPlugins,
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod, nodes := tc.pod, tc.nodes
			if pod == nil {
				pod = newPod("pod")
			}
			if nodes == nil {
				nodes = []*v1.Node{newNode("a")}
			}
			s := newFakeScheduler(t, nil, nodes, tc.objects...)
			state := framework.NewCycleState()
			result, status := s.PreFilter(context.Background(), state, pod, s.nodes)
			s.asked = result
			refused := framework.NewDefaultNodeToStatus()
			switch {
			case tc.elsewhere != "":
				other := fwk.NewStatus(fwk.Unschedulable, cmp.Or(tc.reason, "no"))
				other.SetPlugin(tc.elsewhere)
				refused.Set("a", other)
			case status.IsSuccess():
				_, refused = s.filterAll(state, pod)
			}
			s.PostFilter(context.Background(), state, pod, refused)
			got := s.pending.causes[pod.UID]
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if !slices.Contains(metrics.PendingCauses, got) {
				t.Errorf("%q is none of the causes", got)
			}
		})
	}
}

// Every code of a refusal is a cause.
func TestPendingCausesHaveAllCodes(t *testing.T) {
	for _, code := range []placement.ReasonCode{
		placement.NoMatch, placement.GPUsBusy, placement.SlicesTaken, placement.MemoryShort, placement.Unlike, placement.Unsupplied,
		placement.Together, placement.Unresolved,
	} {
		if !slices.Contains(metrics.PendingCauses, metrics.PendingCause(code)) {
			t.Errorf("%s is no cause", code)
		}
	}
}

func TestMeasurePending(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	made := func(minute int, change ...func(*v1.Pod)) func(*v1.Pod) {
		return func(pod *v1.Pod) {
			pod.CreationTimestamp = metav1.NewTime(noon.Add(time.Duration(minute) * time.Minute))
			for _, c := range change {
				c(pod)
			}
		}
	}
	gated := func(pod *v1.Pod) { pod.Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "wait"}} }
	pods := []*v1.Pod{
		newPod("busy", made(1)), newPod("busy-too", made(2)), newPod("new", made(3)), newPod("gated", made(4, gated)), newPod("runs", on("a")),
	}
	objects := []runtime.Object{publish("a", fourGPUs()...)}
	for _, pod := range pods {
		objects = append(objects, pod, newClaim(pod.Name, gpuClass, 8))
	}
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, objects...)
	if got := s.measurePending(); got != nil {
		t.Errorf("before a pod was tried: got %v, want nothing", got)
	}
	for _, pod := range pods[:2] {
		state := s.preFilter(pod)
		_, refused := s.filterAll(state, pod)
		s.PostFilter(context.Background(), state, pod, refused)
	}
	want := map[metrics.PendingCause]metrics.PendingPods{
		metrics.PendingCause(placement.GPUsBusy): {Count: 2, Oldest: noon.Add(time.Minute)},
		metrics.NotTried:                         {Count: 1, Oldest: noon.Add(3 * time.Minute)},
		metrics.Gated:                            {Count: 1, Oldest: noon.Add(4 * time.Minute)},
	}
	if diff := gocmp.Diff(want, s.measurePending()); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	s.profile = "another"
	if diff := gocmp.Diff(map[metrics.PendingCause]metrics.PendingPods{}, s.measurePending()); diff != "" {
		t.Errorf("of another profile (-want +got):\n%s", diff)
	}
}

// A pod that has its devices and waits is counted apart, and one that gives them back is tried
// again.
func TestReservedPodsAreCountedApart(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, newClaim("pod", gpuClass, 1), publish("a", fourGPUs()...))
	pod := newPod("pod", func(pod *v1.Pod) { pod.Labels = map[string]string{v1alpha1.PodGroupLabel: "gang"} })
	state := s.preFilter(pod)
	s.filterAll(state, pod)
	if status := s.Reserve(context.Background(), state, pod, "a"); !status.IsSuccess() {
		t.Fatal(status)
	}
	if got := s.pending.causes[pod.UID]; got != metrics.Reserved {
		t.Errorf("after Reserve: got %q, want %q", got, metrics.Reserved)
	}
	s.Unreserve(context.Background(), state, pod, "a")
	if got := s.pending.causes[pod.UID]; got != "" {
		t.Errorf("after Unreserve: got %q, want nothing", got)
	}
}
