package deviceplacement

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// asking is a request for devices of a class.
func asking(name, class string, count int64) resourceapi.DeviceRequest {
	return resourceapi.DeviceRequest{Name: name, Exactly: &resourceapi.ExactDeviceRequest{
		DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: count,
	}}
}

// claimOf asks for several kinds of devices.
func claimOf(name string, requests ...resourceapi.DeviceRequest) *resourceapi.ResourceClaim {
	claim := newClaim(name, gpuClass, 1)
	claim.Spec.Devices.Requests = requests
	return claim
}

// matching ties requests of a claim, all of them if none are named.
func matching(claim *resourceapi.ResourceClaim, attribute resourceapi.FullyQualifiedName, requests ...string) *resourceapi.ResourceClaim {
	claim.Spec.Devices.Constraints = append(claim.Spec.Devices.Constraints, resourceapi.DeviceConstraint{
		MatchAttribute: &attribute, Requests: requests,
	})
	return claim
}

// gpusAtRoots are four GPUs, two at each of two PCIe roots and NUMA nodes, with a fast link
// between those of one root.
func gpusAtRoots() []resourceapi.Device {
	gpus := fourGPUs()
	for i := range gpus {
		gpus[i] = placed(gpus[i], []string{"r0", "r1"}[i/2], int64(i/2))
	}
	return gpus
}

// heldNIC is a claim that has an adapter.
func heldNIC(node, name string) *resourceapi.ResourceClaim {
	claim := held(node, newClaim("held-"+name, nicClass, 1), name)
	claim.Status.Allocation.Devices.Results[0].Driver = nicDriver
	return claim
}

func ofAllNodes(slice *resourceapi.ResourceSlice) *resourceapi.ResourceSlice {
	slice.Spec.NodeName, slice.Spec.AllNodes = nil, ptr.To(true)
	return slice
}

// usingClaims makes a pod use claims instead of the one of its own name.
func usingClaims(names ...string) func(*v1.Pod) {
	return func(pod *v1.Pod) {
		pod.Spec.ResourceClaims = nil
		for _, name := range names {
			pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, v1.PodResourceClaim{Name: name, ResourceClaimName: &name})
		}
	}
}

// GPUs are chosen as without the devices of other drivers that a pod asks for too, unless a
// constraint ties the two: then beside what is free of those.
func TestFilterBesideOtherDrivers(t *testing.T) {
	const root = deviceapi.PCIeRoot
	taint := func(d resourceapi.Device) resourceapi.Device {
		d.Taints = []resourceapi.DeviceTaint{{Key: "down", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
		return d
	}
	all := func(request resourceapi.DeviceRequest) resourceapi.DeviceRequest {
		request.Exactly.AllocationMode, request.Exactly.Count = resourceapi.DeviceAllocationModeAll, 0
		return request
	}
	gpus := publish("n", gpusAtRoots()...)
	for name, tc := range map[string]struct {
		objects  []runtime.Object
		pod      func(*v1.Pod)
		want     []string // devices; the node is refused if there are none
		wantCode fwk.Code
		wantText string
	}{
		"the link choice stays": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0)), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "nic-0"},
		},
		"near the adapter that is free, all else being equal": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r1", 1)), heldNIC("n", "nic-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "nic-1"},
		},
		"the adapter near the GPUs that are left": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "", 0), nicDevice(2, "", 1)),
				held("n", newClaim("other", gpuClass, 1), "gpu-0"), claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "nic-2"},
		},
		"the link weighs more than the adapter": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0)), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "nic-0"},
		},
		"all adapters are asked for": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r0", 0)), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), all(asking("nic", nicClass, 1))),
			},
			want: []string{"gpu-2", "gpu-3", "nic-0", "nic-1"},
		},
		"an adapter that is of no node": {
			objects: []runtime.Object{
				gpus, ofAllNodes(publishNICs("fabric", nicDevice(0, "r0", 0))), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "nic-0"},
		},
		"beside the adapter that is free": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r1", 1)), heldNIC("n", "nic-0"),
				held("n", newClaim("other", gpuClass, 1), "gpu-0"), // whose partner would be the choice
				matching(claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
			},
			want: []string{"gpu-2", "nic-1"},
		},
		"beside one that is not tainted": {
			objects: []runtime.Object{
				gpus, publishNICs("n", taint(nicDevice(0, "r0", 0)), nicDevice(1, "r1", 1)),
				matching(claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
			},
			want: []string{"gpu-2", "nic-1"},
		},
		"where two of them are": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r1", 1), nicDevice(2, "r1", 1)),
				matching(claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 2)), root),
			},
			want: []string{"gpu-2", "gpu-3", "nic-1", "nic-2"},
		},
		"two claims do not count on one adapter": {
			pod: usingClaims("a", "b"),
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r1", 1)),
				matching(claimOf("a", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
				matching(claimOf("b", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
			},
			want: []string{"gpu-0", "gpu-2", "nic-0", "nic-1"},
		},
		"tied by the NUMA node": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r7", 1)),
				matching(claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)), deviceapi.NUMANode),
			},
			want: []string{"gpu-2", "gpu-3", "nic-0"},
		},
		"tied by both, which no single adapter has": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 1), nicDevice(1, "r1", 0)),
				matching(matching(claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root), deviceapi.NUMANode),
			},
			wantCode: fwk.UnschedulableAndUnresolvable, wantText: "cannot allocate all claims",
		},
		"only one alternative is tied": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r7", 7)),
				matching(claimOf("pod", resourceapi.DeviceRequest{Name: "gpu", FirstAvailable: []resourceapi.DeviceSubRequest{
					{Name: "three", DeviceClassName: gpuClass, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 3},
					{Name: "two", DeviceClassName: gpuClass, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 2},
				}}, asking("nic", nicClass, 1)), root, "gpu/three", "nic"),
			},
			want: []string{"gpu-0", "gpu-1", "nic-0"},
		},
		"a device for passthrough beside a GPU": {
			objects: []runtime.Object{
				publish("n", append(gpusAtRoots(), vfioDevice(4))...), held("n", newClaim("other", gpuClass, 1), "gpu-0"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("vm", vfioClass, 1)),
			},
			want: []string{"gpu-2", "gpu-3", "gpu-vfio-4"},
		},
		"the GPUs are too few": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0)), held("n", newClaim("other", gpuClass, 3), "gpu-0", "gpu-1", "gpu-2"),
				claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
			},
			wantCode: fwk.Unschedulable, wantText: "fewer than 2 GPUs free",
		},
		"the adapters are taken": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0), nicDevice(1, "r1", 1)), heldNIC("n", "nic-0"), heldNIC("n", "nic-1"),
				matching(claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
			},
			wantCode: fwk.Unschedulable, wantText: "node(s) have no free device of class nic (2 of 2 are taken), while 4 GPUs are free",
		},
		"too few of them, and some tainted": {
			objects: []runtime.Object{
				gpus, publishNICs("n", taint(nicDevice(0, "r0", 0)), nicDevice(1, "r1", 1), nicDevice(2, "r1", 1)), heldNIC("n", "nic-1"),
				claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 2)),
			},
			wantCode: fwk.Unschedulable, wantText: "node(s) have fewer than 2 free devices of class nic (1 of 3 is taken, 1 of 3 is tainted)",
		},
		"none is at a free GPU": {
			objects: []runtime.Object{
				gpus, publishNICs("n", nicDevice(0, "r0", 0)), held("n", newClaim("other", gpuClass, 2), "gpu-0", "gpu-1"),
				matching(claimOf("pod", asking("gpu", gpuClass, 1), asking("nic", nicClass, 1)), root),
			},
			wantCode: fwk.Unschedulable,
			wantText: "node(s) have no free device of class nic with the resource.kubernetes.io/pcieRoot of enough free GPUs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkFilter(t, append(jointClasses(), tc.objects...), tc.pod, tc.want, tc.wantCode, tc.wantText)
		})
	}
}

// Of several nodes the one is best whose GPUs are, whatever else the pod gets.
func TestScoreBesideOtherDrivers(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("broken"), newNode("whole")}, append(jointClasses(),
		publish("broken", wholeGPU(0, "X SYS"), wholeGPU(1, "SYS X")), publish("whole", wholeGPU(0, "X NV4"), wholeGPU(1, "NV4 X")),
		publishNICs("broken", nicDevice(0, "r0", 0)), publishNICs("whole", nicDevice(0, "r0", 0)),
		claimOf("pod", asking("gpu", gpuClass, 2), asking("nic", nicClass, 1)),
	)...)
	pod := newPod("pod")
	state := s.preFilter(pod)
	feasible, _ := s.filterAll(state, pod)
	if status := s.PreScore(context.Background(), state, pod, feasible); !status.IsSuccess() && !status.IsSkip() {
		t.Fatalf("PreScore: %v", status)
	}
	scores := map[string]int64{}
	for _, node := range feasible {
		scores[node.Node().Name], _ = ScorePlugin{}.Score(context.Background(), state, pod, node)
	}
	if scores["whole"] <= scores["broken"] {
		t.Errorf("scores %v, want the node with the fast link first", scores)
	}
}
