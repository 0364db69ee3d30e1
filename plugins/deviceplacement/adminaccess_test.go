package deviceplacement

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"
)

// counted makes a device consume memory slices of a GPU's counter set.
func counted(d resourceapi.Device, set string, slices ...string) resourceapi.Device {
	counters := map[string]resourceapi.Counter{}
	for _, name := range slices {
		counters[name] = resourceapi.Counter{Value: resource.MustParse("1")}
	}
	d.ConsumesCounters = []resourceapi.DeviceCounterConsumption{{CounterSet: set, Counters: counters}}
	return d
}

// publishCounted is a node with two GPUs, whole or in two slices, that counters keep apart.
func publishCounted() []runtime.Object {
	devices, counters := publish("n",
		counted(wholeGPU(0, "X SYS"), "gpu-0", "s0", "s6"), counted(wholeGPU(1, "SYS X"), "gpu-1", "s0", "s6"),
		counted(migSlice(0, 0), "gpu-0", "s0"), counted(migSlice(0, 6), "gpu-0", "s6"),
	), publish("n")
	counters.Name = "n-counters"
	devices.Spec.Pool.ResourceSliceCount, counters.Spec.Pool.ResourceSliceCount = 2, 2
	for _, gpu := range []string{"gpu-0", "gpu-1"} {
		counters.Spec.SharedCounters = append(counters.Spec.SharedCounters, resourceapi.CounterSet{
			Name: gpu, Counters: map[string]resourceapi.Counter{"s0": {Value: resource.MustParse("1")}, "s6": {Value: resource.MustParse("1")}},
		})
	}
	return []runtime.Object{devices, counters}
}

// looking makes a request one with admin access.
func looking(request resourceapi.DeviceRequest, mode resourceapi.DeviceAllocationMode) resourceapi.DeviceRequest {
	request.Exactly.AdminAccess, request.Exactly.AllocationMode = ptr.To(true), mode
	if mode == resourceapi.DeviceAllocationModeAll {
		request.Exactly.Count = 0
	}
	return request
}

// Admin access takes nothing: it is given whatever others hold, and leaves them what they
// have. Counters, which in-tree code wants to be left, do not stand in its way, and still
// keep apart what is taken.
func TestFilterWithAdminAccess(t *testing.T) {
	const all, count = resourceapi.DeviceAllocationModeAll, resourceapi.DeviceAllocationModeExactCount
	whole := held("n", newClaim("whole", gpuClass, 2), "gpu-0", "gpu-1")
	sliced := held("n", newClaim("sliced", sliceClass, 1), "gpu-0-mig-1g10gb-19-0")
	watching := held("n", claimOf("watching", asking("devices", gpuClass, 2)), "gpu-0", "gpu-1")
	for i := range watching.Status.Allocation.Devices.Results {
		watching.Status.Allocation.Devices.Results[i].AdminAccess = ptr.To(true)
	}
	type ask = []resourceapi.DeviceRequest
	both, slicesOfGPU := []string{"gpu-0", "gpu-1"}, []string{"gpu-0-mig-1g10gb-19-0", "gpu-0-mig-1g10gb-19-6"}
	for name, tc := range map[string]struct {
		held     *resourceapi.ResourceClaim
		requests []resourceapi.DeviceRequest
		want     []string
		wantCode fwk.Code
	}{
		"nothing is held":     {nil, ask{looking(asking("a", gpuClass, 1), all)}, both, fwk.Success},
		"everything is":       {whole, ask{looking(asking("a", gpuClass, 1), all)}, both, fwk.Success},
		"one of them":         {whole, ask{looking(asking("a", gpuClass, 1), count)}, []string{"gpu-0"}, fwk.Success},
		"a slice of it is":    {sliced, ask{looking(asking("a", gpuClass, 1), all)}, both, fwk.Success},
		"the slices of a GPU": {whole, ask{looking(asking("a", sliceClass, 2), count)}, slicesOfGPU, fwk.Success},
		"more than there are": {whole, ask{looking(asking("a", gpuClass, 3), count)}, nil, fwk.Unschedulable},
		"what others look at is free": {
			watching, ask{asking("a", gpuClass, 2)}, both, fwk.Success,
		},
		"beside a slice that is taken": {
			sliced, ask{looking(asking("a", gpuClass, 1), all), asking("b", sliceClass, 1)},
			[]string{"gpu-0", "gpu-0-mig-1g10gb-19-6", "gpu-1"}, fwk.Success,
		},
		"beside a slice that is not left": {
			whole, ask{looking(asking("a", gpuClass, 1), all), asking("b", sliceClass, 1)}, nil, fwk.Unschedulable,
		},
		"beside two, of which one is left": {
			sliced, ask{looking(asking("a", gpuClass, 1), all), asking("b", sliceClass, 2)}, nil, fwk.Unschedulable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := append(publishCounted(), claimOf("pod", tc.requests...))
			if tc.held != nil {
				objects = append(objects, tc.held)
			}
			s, state := checkFilter(t, objects, nil, tc.want, tc.wantCode, "")
			if tc.wantCode != fwk.Success {
				return
			}
			if status := s.PreScore(context.Background(), state, newPod("pod"), s.nodes); !status.IsSuccess() && !status.IsSkip() {
				t.Errorf("PreScore: %v", status)
			}
		})
	}
}

// The victim of a preemption that is needed for CPU keeps nobody from looking at GPUs.
func TestAdminAccessWithoutAVictim(t *testing.T) {
	objects := append(publishCounted(), held("n", newClaim("whole", gpuClass, 2), "gpu-0", "gpu-1"), newClaim("victim", gpuClass, 1),
		claimOf("pod", looking(asking("a", gpuClass, 1), resourceapi.DeviceAllocationModeAll)))
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
	pod, ctx := newPod("pod"), context.Background()
	state := s.preFilter(pod)
	if status := s.PreFilterExtensions().RemovePod(ctx, state, pod, podInfo(t, newPod("victim", on("n"))), s.nodes[0]); !status.IsSuccess() {
		t.Fatal(status)
	}
	if status := s.Filter(ctx, state, pod, s.nodes[0]); !status.IsSuccess() {
		t.Errorf("without the victim: %v", status)
	}
}
