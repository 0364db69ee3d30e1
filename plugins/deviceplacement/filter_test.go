package deviceplacement

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// allocated are the devices that the in-tree plugin would allocate on a node, as
// request/device.
func (s *fakeScheduler) allocated(state fwk.CycleState, pod *v1.Pod, node string) []string {
	s.t.Helper()
	claims, status := s.source.AskReserve(context.Background(), state, pod, node)
	if !status.IsSuccess() {
		s.t.Fatalf("asking Reserve on node %s: %v", node, status)
	}
	var devices []string
	for _, claim := range claims {
		for _, result := range claim.Status.Allocation.Devices.Results {
			devices = append(devices, result.Device)
		}
	}
	slices.Sort(devices)
	return devices
}

// checkFilter holds Filter to a status for a pod on the one node n, and to the devices that the
// pod gets there if the node is not refused.
func checkFilter(
	t *testing.T, objects []runtime.Object, change func(*v1.Pod), want []string, wantCode fwk.Code, wantText string,
) (*fakeScheduler, fwk.CycleState) {
	t.Helper()
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
	pod := newPod("pod")
	if change != nil {
		change(pod)
	}
	state := s.preFilter(pod)
	status := s.Filter(context.Background(), state, pod, s.nodes[0])
	if status.Code() != wantCode || !strings.Contains(status.Message(), wantText) {
		t.Fatalf("status %s %q, want %s with %q", status.Code(), status.Message(), wantCode, wantText)
	}
	if wantCode == fwk.Success {
		if diff := cmp.Diff(want, s.allocated(state, pod, "n")); diff != "" {
			t.Errorf("devices (-want +got):\n%s", diff)
		}
	}
	return s, state
}

func TestFilter(t *testing.T) {
	extraPool := func(node string) *resourceapi.ResourceSlice {
		slice := publish(node, wholeGPU(0, "X"))
		slice.Name, slice.Spec.Driver = node+"-nics", "nic.example.com"
		return slice
	}
	for name, tc := range map[string]struct {
		claim    *resourceapi.ResourceClaim
		pod      func(*v1.Pod)
		objects  []runtime.Object
		want     []string // devices; the node is refused if there are none
		wantCode fwk.Code
		wantText string
	}{
		"a pair shares its link": {
			claim: newClaim("pod", gpuClass, 2), objects: []runtime.Object{
				publish("n", fourGPUs()...), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
			},
			want: []string{"gpu-2", "gpu-3"},
		},
		"all are taken": {
			claim: newClaim("pod", gpuClass, 1), objects: []runtime.Object{
				publish("n", wholeGPU(0, "X")), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
			},
			wantCode: fwk.Unschedulable, wantText: "node(s) have no GPU free",
		},
		"more than there are": {
			claim: newClaim("pod", gpuClass, 5), objects: []runtime.Object{publish("n", fourGPUs()...)},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have fewer than 5 GPUs",
		},
		"nothing of the kind": {
			claim: newClaim("pod", sliceClass, 1), objects: []runtime.Object{publish("n", fourGPUs()...)},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) publish no device of class slice",
		},
		"no devices at all": {
			claim: newClaim("pod", gpuClass, 1), wantCode: fwk.UnschedulableAndUnresolvable, wantText: "cannot allocate all claims",
		},
		"the slice that keeps the most open": {
			claim: newClaim("pod", sliceClass, 1), objects: []runtime.Object{
				publish("n", migSlice(0, 0), migSlice(0, 2), migSlice(0, 6), migSlice(0, 4), wideSlice(0, 0)),
			},
			want: []string{"gpu-0-mig-1g10gb-19-6"},
		},
		"a share where shares are": {
			claim: newClaim("pod", shareClass, 1, shareOf("20Gi")),
			objects: []runtime.Object{
				publish("n", gpuShare(0), gpuShare(1), wholeGPU(0, "X SYS"), wholeGPU(1, "SYS X")), heldShare("n", "other", "gpu-1-share", "30Gi"),
			},
			want: []string{"gpu-1-share"},
		},
		"a share that is too large": {
			claim: newClaim("pod", shareClass, 1, shareOf("60Gi")), objects: []runtime.Object{
				publish("n", gpuShare(0), wholeGPU(0, "X")), heldShare("n", "other", "gpu-0-share", "30Gi"),
			},
			wantCode: fwk.Unschedulable, wantText: "node(s) have no GPU with 60GiB left to share",
		},
		"too small for the model server": {
			claim: newClaim("pod", sliceClass, 1), pod: serving, objects: []runtime.Object{publish("n", migSlice(0, 0), migSlice(0, 6))},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no slice in which the pod's model server fits",
		},
		"a share too small for the model server": {
			claim: newClaim("pod", shareClass, 1, shareOf("4Gi")), pod: serving, objects: []runtime.Object{
				publish("n", gpuShare(0), wholeGPU(0, "X")),
			},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no share in which the pod's model server fits",
		},
		"a device that is not understood is left to in-tree": {
			claim: newClaim("pod", vfioClass, 1), objects: []runtime.Object{publish("n", wholeGPU(0, "X"), vfioDevice(0))},
			want: []string{"gpu-vfio-0"},
		},
		"and does not keep the others from being chosen": {
			claim: newClaim("pod", gpuClass, 2), objects: []runtime.Object{
				publish("n", append(fourGPUs(), vfioDevice(0))...), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
			},
			want: []string{"gpu-2", "gpu-3"},
		},
		"nor from being refused": {
			claim: newClaim("pod", sliceClass, 1), pod: serving, objects: []runtime.Object{publish("n", migSlice(0, 0), vfioDevice(0))},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "node(s) have no slice in which the pod's model server fits",
		},
		"one that is in use stays accounted for": {
			claim: newClaim("pod", vfioClass, 1), objects: []runtime.Object{
				publish("n", wholeGPU(0, "X"), vfioDevice(0)), held("n", newClaim("other", vfioClass, 1), "gpu-vfio-0"),
			},
			wantCode: fwk.Unschedulable, wantText: "node(s) have no free device of class vfio",
		},
		"another driver's pool beside it": {
			claim: newClaim("pod", gpuClass, 2), objects: []runtime.Object{
				publish("n", fourGPUs()...), extraPool("n"), held("n", newClaim("other", gpuClass, 1), "gpu-1"),
			},
			want: []string{"gpu-2", "gpu-3"},
		},
		"any allocation mode is left to in-tree": {
			claim: newClaim("pod", gpuClass, 0, func(c *resourceapi.ResourceClaim) {
				c.Spec.Devices.Requests[0].Exactly.AllocationMode, c.Spec.Devices.Requests[0].Exactly.Count = resourceapi.DeviceAllocationModeAll, 0
			}),
			objects: []runtime.Object{publish("n", fourGPUs()...)}, want: []string{"gpu-0", "gpu-1", "gpu-2", "gpu-3"},
		},
		"the first alternative that fits": {
			claim: newClaim("pod", gpuClass, 1, func(c *resourceapi.ResourceClaim) {
				c.Spec.Devices.Requests[0] = resourceapi.DeviceRequest{Name: "devices", FirstAvailable: []resourceapi.DeviceSubRequest{
					{Name: "slice", DeviceClassName: sliceClass, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1},
					{Name: "pair", DeviceClassName: gpuClass, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 2},
				}}
			}),
			objects: []runtime.Object{
				publish("n", fourGPUs()...), held("n", newClaim("other", gpuClass, 1), "gpu-3"),
			}, want: []string{"gpu-0", "gpu-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkFilter(t, append(tc.objects, tc.claim), tc.pod, tc.want, tc.wantCode, tc.wantText)
		})
	}
}

// The policy is the arguments' choice.
func TestFilterUnderAPolicy(t *testing.T) {
	for policy, want := range map[string]string{"keep-placeable": "gpu-0-mig-1g10gb-19-6", "first-fit": "gpu-0-mig-1g10gb-19-0"} {
		args := defaultArgs()
		args.Policy = policy
		s := newFakeScheduler(
			t, args, []*v1.Node{newNode("n")}, newClaim("pod", sliceClass, 1), publish("n", migSlice(0, 0), migSlice(0, 6), wideSlice(0, 0)),
		)
		pod := newPod("pod")
		state := s.preFilter(pod)
		s.filterAll(state, pod)
		if diff := cmp.Diff([]string{want}, s.allocated(state, pod, "n")); diff != "" {
			t.Errorf("%s: devices (-want +got):\n%s", policy, diff)
		}
	}
}
