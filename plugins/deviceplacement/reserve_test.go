package deviceplacement

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology"
)

// Reserve books what Filter chose, and once the pod is bound an event says what it got.
func TestReserveAndPostBind(t *testing.T) {
	for name, tc := range map[string]struct {
		claim   *resourceapi.ResourceClaim
		devices []resourceapi.Device
		want    []string
		event   string
	}{
		"a pair": {newClaim("pod", gpuClass, 2), fourGPUs(), []string{"gpu-0", "gpu-1"}, "GPUs 0-1 of n, NV4 100 GB/s"},
		"one":    {newClaim("pod", gpuClass, 1), []resourceapi.Device{wholeGPU(0, "X")}, []string{"gpu-0"}, "GPU 0 of n"},
		"without NVLink": {
			newClaim("pod", gpuClass, 2), []resourceapi.Device{wholeGPU(0, "X PHB"), wholeGPU(1, "PHB X")}, []string{"gpu-0", "gpu-1"},
			"GPUs 0-1 of n, PCIe PHB 24 GB/s",
		},
		"a MIG instance": {
			newClaim("pod", sliceClass, 1), []resourceapi.Device{migSlice(0, 0), migSlice(0, 6), wideSlice(0, 0)},
			[]string{"gpu-0-mig-1g10gb-19-6"}, "1g.10gb at 6:1 of GPU 0 of n",
		},
		"a share": {
			newClaim("pod", shareClass, 1, shareOf("20Gi")), []resourceapi.Device{gpuShare(0), wholeGPU(0, "X")}, []string{"gpu-0-share"},
			"20GiB of GPU 0 of n",
		},
		"nothing of ours":  {newClaim("pod", vfioClass, 1), []resourceapi.Device{wholeGPU(0, "X"), vfioDevice(0)}, []string{"gpu-vfio-0"}, ""},
		"no GPU published": {newClaim("pod", vfioClass, 1), []resourceapi.Device{vfioDevice(0)}, []string{"gpu-vfio-0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, tc.claim, publish("n", tc.devices...))
			pod := newPod("pod")
			state := s.preFilter(pod)
			if feasible, refused := s.filterAll(state, pod); len(feasible) != 1 {
				t.Fatal(refused.Get("n"))
			}
			if status := s.Reserve(context.Background(), state, pod, "n"); !status.IsSuccess() {
				t.Fatal(status)
			}
			var booked []string
			for _, result := range s.claims.GetPendingAllocation("claim-pod").Devices.Results {
				booked = append(booked, result.Device)
			}
			if diff := cmp.Diff(tc.want, booked); diff != "" {
				t.Errorf("booked (-want +got):\n%s", diff)
			}
			s.PostBind(context.Background(), state, pod, "n")
			var want []string
			if tc.event != "" {
				want = []string{"Normal DevicesAllocated " + tc.event}
			}
			if diff := cmp.Diff(want, s.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			s.Unreserve(context.Background(), state, pod, "n")
			if pending := s.claims.GetPendingAllocation("claim-pod"); pending != nil {
				t.Errorf("still booked after Unreserve: %v", pending)
			}
		})
	}
}

// The forecast learns from a pod once, when it is bound, however often that fails; a pod
// that is only reserved, as a member of a gang that does not start, teaches it nothing.
func TestPreBindTeachesTheForecastOnce(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", fourGPUs()...), newClaim("pod", gpuClass, 1))
	pod := newPod("pod")
	known := func() bool { return s.forecast.observed.knowsPod(pod.UID) }
	for attempt := range 3 {
		state := s.preFilter(pod)
		s.filterAll(state, pod)
		if status := s.Reserve(context.Background(), state, pod, "n"); !status.IsSuccess() {
			t.Fatal(status)
		}
		if known() != (attempt > 0) {
			t.Errorf("attempt %d: the forecast knows the pod after Reserve: %t", attempt, known())
		}
		s.PreBind(context.Background(), state, pod, "n") // fails here: there is no pod behind the claim's user
		if !known() {
			t.Errorf("attempt %d: the forecast does not know the pod after PreBind", attempt)
		}
		s.Unreserve(context.Background(), state, pod, "n")
	}
	if s.forecast.observePod(pod, s.source.Inventory("n"), nil) {
		t.Error("the pod is new to the forecast")
	}
	if !s.forecast.observePod(newPod("other"), s.source.Inventory("n"), nil) {
		t.Error("a pod that never came is known")
	}
}

// Pods are remembered for at least as many others as one generation has.
func TestRecentPods(t *testing.T) {
	var recent recentPods
	pod := func(i int) *v1.Pod { return newPod(string(rune('a' + i%26))) }
	if !recent.rememberPod("first") || recent.rememberPod("first") {
		t.Error("a pod is new once")
	}
	for i := range maxRecent - 1 {
		recent.rememberPod(pod(0).UID + "-" + newPod(string(rune(i+256))).UID)
	}
	if recent.rememberPod("first") {
		t.Error("forgotten before as many others came")
	}
	if got := len(recent.newer) + len(recent.older); got > 2*maxRecent {
		t.Errorf("%d pods are remembered, want at most %d", got, 2*maxRecent)
	}
}

// Nobody listens to events in a dry run, and a plugin without a cycle says nothing.
func TestNoEvents(*testing.T) {
	p := &Plugin{}
	p.sendEvent(newPod("pod"), v1.EventTypeNormal, reasonDevicesAllocated, "GPU 0")
	p.announceDoubts(newPod("pod"), "")
	p.PostBind(context.Background(), framework.NewCycleState(), newPod("pod"), "n")
}

func TestLinkName(t *testing.T) {
	for want, link := range map[string]topology.Link{
		"NV18": {Kind: topology.NVLink, Lanes: 18}, "PCIe SYS": {Kind: topology.SYS},
	} {
		if got := linkName(link); got != want {
			t.Errorf("link %q, want %q", got, want)
		}
	}
}

// What another scheduler placed is learned from, too.
func TestReplayPods(t *testing.T) {
	claim := held("n", newClaim("pod", gpuClass, 1), "gpu-0")
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, []runtime.Object{publish("n", fourGPUs()...), claim}...)
	if err := s.ReplayPods(
		[]PlacedPod{{Pod: newPod("pod", on("n")), Claims: []*resourceapi.ResourceClaim{claim}}, {Pod: newPod("else", on("elsewhere"))}},
	); err != nil {
		t.Fatal(err)
	}
	if got := dra.ClaimNames(newPod("pod")); !cmp.Equal([]string{"pod"}, got) {
		t.Errorf("claims %v, want pod", got)
	}
}
