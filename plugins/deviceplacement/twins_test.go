package deviceplacement

import (
	"context"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// identified gives a device a UUID, or that of its GPU, and a PCI address, "" for none.
func identified(d resourceapi.Device, uuid, bus string) resourceapi.Device {
	name := resourceapi.QualifiedName(deviceapi.UUID)
	if *d.Attributes[deviceapi.Type].StringValue == deviceapi.TypeMIG {
		name = deviceapi.ParentUUID
	}
	if uuid != "" {
		d.Attributes[name] = resourceapi.DeviceAttribute{StringValue: &uuid}
	}
	if bus != "" {
		d.Attributes[deviceapi.PCIBusID] = resourceapi.DeviceAttribute{StringValue: &bus}
	}
	return d
}

// nvidiaWhole is a whole GPU of NVIDIA's driver.
func nvidiaWhole(gpu string) resourceapi.Device {
	return nvidiaDevice("gpu-"+gpu, deviceapi.TypeGPU, "NVIDIA H100 80GB HBM3", "80Gi")
}

// heldOfNVIDIA is a claim that holds a device of NVIDIA's driver.
func heldOfNVIDIA(name string, device string) *resourceapi.ResourceClaim {
	return ofNVIDIA(held("n", newClaim(name, nvidiaClass, 1), device))
}

func publishBoth(ours, nvidia []resourceapi.Device) []runtime.Object {
	return append(publishNVIDIASlices(nvidia), publish("n", ours...))
}

// publishNVIDIASlices is publishNVIDIA under names of their own.
func publishNVIDIASlices(devices []resourceapi.Device) []runtime.Object {
	objects := publishNVIDIA(devices...)
	for _, object := range objects {
		if slice, ok := object.(*resourceapi.ResourceSlice); ok {
			slice.Name = "nvidia-" + slice.Name
		}
	}
	return objects
}

// Two drivers publish the same GPUs: what is held through one is not free in the other.
func TestFilterOnNodesOfTwoDrivers(t *testing.T) {
	ours := []resourceapi.Device{identified(wholeGPU(0, "X SYS"), "GPU-a", ""), identified(wholeGPU(1, "SYS X"), "GPU-b", "")}
	theirs := []resourceapi.Device{identified(nvidiaWhole("0"), "GPU-A", ""), identified(nvidiaWhole("1"), "GPU-b", "")}
	both := publishBoth(ours, theirs)
	byAddress := publishBoth(
		[]resourceapi.Device{identified(wholeGPU(0, "X"), "GPU-a", "0000:1b:00.0")},
		[]resourceapi.Device{identified(nvidiaWhole("0"), "", "00000000:1B:00.0")},
	)
	inSlices := publishBoth(
		ours, []resourceapi.Device{identified(nvidiaSlice(0, 19, 0, 1, "9984Mi", false), "GPU-a", ""), identified(nvidiaWhole("1"), "GPU-b", "")},
	)
	passthrough := publishNVIDIASlices([]resourceapi.Device{
		identified(nvidiaWhole("0"), "GPU-a", "0000:1b:00.0"),
		identified(nvidiaDevice("gpu-vfio-0", "vfio", "GH100", "80Gi"), "", "0000:1b:00.0"),
	})
	admin := func(claim *resourceapi.ResourceClaim) *resourceapi.ResourceClaim {
		yes := true
		claim.Status.Allocation.Devices.Results[0].AdminAccess = &yes
		return claim
	}
	for name, tc := range map[string]struct {
		published []runtime.Object
		held      []*resourceapi.ResourceClaim
		claim     *resourceapi.ResourceClaim
		want      []string
		wantCode  fwk.Code
		wantText  string
	}{
		"both are free": {both, nil, newClaim("pod", nvidiaClass, 2), []string{"gpu-0", "gpu-1"}, fwk.Success, ""},
		"held through ours": {
			both, []*resourceapi.ResourceClaim{held("n", newClaim("other", gpuClass, 1), "gpu-0")},
			newClaim("pod", nvidiaClass, 1), []string{"gpu-1"}, fwk.Success, "",
		},
		"held through NVIDIA's": {
			both, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0")}, newClaim("pod", gpuClass, 1), []string{"gpu-1"}, fwk.Success, "",
		},
		"one each": {
			both, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0"), held("n", newClaim("more", gpuClass, 1), "gpu-1")},
			newClaim("pod", gpuClass, 1), nil, fwk.Unschedulable,
			"no GPU free (GPU 0 is held through gpu.nvidia.com)",
		},
		"all through ours": {
			both, []*resourceapi.ResourceClaim{held("n", newClaim("other", gpuClass, 2), "gpu-0", "gpu-1")},
			newClaim("pod", nvidiaClass, 1), nil, fwk.Unschedulable, "(GPUs 0,1 are held through gpu.ashlar.dev)",
		},
		"the same address, written differently": {
			byAddress, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0")},
			newClaim("pod", gpuClass, 1), nil, fwk.Unschedulable, "(GPU 0 is held through gpu.nvidia.com)",
		},
		"a slice of it": {
			inSlices, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0-mig-1g-19-0")},
			newClaim("pod", gpuClass, 2), nil, fwk.Unschedulable, "(GPU 0 is held through gpu.nvidia.com)",
		},
		"whole, so that no slice is left": {
			inSlices, []*resourceapi.ResourceClaim{held("n", newClaim("other", gpuClass, 1), "gpu-0")},
			newClaim("pod", nvidiaClass, 1, ofType(deviceapi.TypeMIG)), nil, fwk.Unschedulable, "(GPU 0 is held through gpu.ashlar.dev)",
		},
		"only looked at": {
			both, []*resourceapi.ResourceClaim{admin(heldOfNVIDIA("other", "gpu-0"))},
			newClaim("pod", gpuClass, 2), []string{"gpu-0", "gpu-1"}, fwk.Success, "",
		},
		"one of each driver": {
			both, nil, claimOf("pod", asking("a", gpuClass, 1), asking("b", nvidiaClass, 1)), []string{"gpu-0", "gpu-1"}, fwk.Success, "",
		},
		"more of both than there are": {
			both, nil, claimOf("pod", asking("a", gpuClass, 1), asking("b", nvidiaClass, 2)), nil, fwk.UnschedulableAndUnresolvable, "",
		},
		"whichever driver": {
			both, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0")}, newClaim("pod", anyClass, 1), []string{"gpu-1"}, fwk.Success, "",
		},
		"whichever driver, and none is left": {
			both, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0"), held("n", newClaim("more", gpuClass, 1), "gpu-1")},
			newClaim("pod", anyClass, 1), nil, fwk.Unschedulable, "",
		},
		"passed through": {
			passthrough, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-vfio-0")},
			newClaim("pod", nvidiaClass, 1, ofType(deviceapi.TypeGPU)), nil, fwk.Unschedulable, "(GPU 0 is held through device gpu-vfio-0)",
		},
		"to be passed through, and held": {
			passthrough, []*resourceapi.ResourceClaim{heldOfNVIDIA("other", "gpu-0")},
			newClaim("pod", nvidiaClass, 1, ofType("vfio")), nil, fwk.Unschedulable, "node(s) have no free device of class nvidia (1 of 1 is taken)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := append(append(jointClasses(), tc.published...), tc.claim)
			for _, claim := range tc.held {
				objects = append(objects, claim)
			}
			checkFilter(t, objects, nil, tc.want, tc.wantCode, tc.wantText)
		})
	}
}

// A pod that holds a GPU through one driver can be ended for one that asks the other, and is
// named as who holds it.
func TestPreemptThroughAnotherDriver(t *testing.T) {
	objects := append(publishBoth(
		[]resourceapi.Device{identified(wholeGPU(0, "X"), "GPU-a", "")}, []resourceapi.Device{identified(nvidiaWhole("0"), "GPU-a", "")},
	), heldOfNVIDIA("victim", "gpu-0"), newClaim("pod", gpuClass, 1))
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
	pod, ctx := newPod("pod"), context.Background()
	state := s.preFilter(pod)
	holders, err := cycleOf(state).ViewNode("n", nil).State()
	if err != nil {
		t.Fatal(err)
	}
	if got := holders.HoldersOf(1); len(got) != 1 || got[0] != "claim-victim" {
		t.Errorf("holders of GPU 0: %v, want the victim's claim", got)
	}
	clone := state.Clone()
	if status := s.PreFilterExtensions().RemovePod(ctx, clone, pod, podInfo(t, newPod("victim", on("n"))), s.nodes[0]); !status.IsSuccess() {
		t.Fatal(status)
	}
	if status := s.Filter(ctx, clone, pod, s.nodes[0]); !status.IsSuccess() {
		t.Errorf("without the victim: %v", status)
	}
	if status := s.Filter(ctx, state, pod, s.nodes[0]); status.Code() != fwk.Unschedulable {
		t.Errorf("beside the victim: %v", status)
	}
}

// A nominated pod holds its GPU in both drivers.
func TestNominatedThroughAnotherDriver(t *testing.T) {
	objects := append(publishBoth(
		[]resourceapi.Device{identified(wholeGPU(0, "X"), "GPU-a", "")}, []resourceapi.Device{identified(nvidiaWhole("0"), "GPU-a", "")},
	), newClaim("nominated", nvidiaClass, 1), newClaim("pod", gpuClass, 1))
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
	pod, ctx := newPod("pod"), context.Background()
	state := s.preFilter(pod)
	if status := s.PreFilterExtensions().AddPod(ctx, state, pod, podInfo(t, newPod("nominated")), s.nodes[0]); !status.IsSuccess() {
		t.Fatal(status)
	}
	if status := s.Filter(ctx, state, pod, s.nodes[0]); status.Code() != fwk.Unschedulable {
		t.Errorf("beside the nominated pod: %v", status)
	}
}

// Who holds what is told although the drivers publish different numbers of devices, and the
// same GPU in different places of their lists.
func TestHoldersWhereDriversPublishDifferently(t *testing.T) {
	var ours []resourceapi.Device
	for gpu, uuid := range []string{"GPU-x", "GPU-b", "GPU-a"} {
		ours = append(ours, identified(wholeGPU(int64(gpu), []string{"X SYS*2", "SYS X SYS", "SYS*2 X"}[gpu]), uuid, ""))
	}
	theirs := []resourceapi.Device{identified(nvidiaWhole("0"), "GPU-a", ""), identified(nvidiaWhole("1"), "GPU-b", "")}
	for class, want := range map[string][]placement.HolderID{
		gpuClass:    {"", "claim-ours", "claim-theirs"},
		nvidiaClass: {"claim-theirs", "claim-ours"},
	} {
		t.Run(class, func(t *testing.T) {
			objects := append(publishBoth(ours, theirs), held("n", newClaim("ours", gpuClass, 1), "gpu-1"), heldOfNVIDIA("theirs", "gpu-0"),
				newClaim("pod", class, 1))
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, objects...)
			holders, err := cycleOf(s.preFilter(newPod("pod"))).ViewNode("n", nil).State()
			if err != nil {
				t.Fatal(err)
			}
			for gpu, holder := range want {
				var wantHolders []placement.HolderID
				if holder != "" {
					wantHolders = append(wantHolders, holder)
				}
				if got := holders.HoldersOf(1 << gpu); !slices.Equal(got, wantHolders) {
					t.Errorf("holders of GPU %d: %v, want %v", gpu, got, wantHolders)
				}
			}
		})
	}
}

// A model server is kept to GPUs on which it starts, whichever driver's the pod would take.
func TestServersOnNodesOfTwoDrivers(t *testing.T) {
	small := func(gpu string) resourceapi.Device {
		return nvidiaDevice("gpu-"+gpu, deviceapi.TypeGPU, "Tesla P4", "8Gi")
	}
	ours := []resourceapi.Device{identified(device("gpu-0", deviceapi.TypeGPU, 0, "8Gi"), "GPU-a", "")}
	either := resourceapi.DeviceRequest{Name: "gpu"}
	for _, class := range []string{nvidiaClass, gpuClass} {
		either.FirstAvailable = append(either.FirstAvailable, resourceapi.DeviceSubRequest{
			Name: "of-" + class, DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
		})
	}
	for name, tc := range map[string]struct {
		theirs []resourceapi.Device
		claim  *resourceapi.ResourceClaim
		want   bool
	}{
		"too small in both": {[]resourceapi.Device{identified(small("0"), "GPU-a", "")}, claimOf("pod", either), false},
		"too small, of NVIDIA's driver": {
			[]resourceapi.Device{identified(small("0"), "GPU-a", "")}, newClaim("pod", nvidiaClass, 1), false,
		},
		"too small, of ours":             {[]resourceapi.Device{identified(small("0"), "GPU-a", "")}, newClaim("pod", gpuClass, 1), false},
		"too small, of whichever driver": {[]resourceapi.Device{identified(small("0"), "GPU-a", "")}, newClaim("pod", anyClass, 1), false},
		"large enough, of NVIDIA's driver": {
			[]resourceapi.Device{identified(nvidiaWhole("0"), "GPU-c", "")}, newClaim("pod", nvidiaClass, 1), true,
		},
		"one is large enough, in NVIDIA's":    {[]resourceapi.Device{small("0"), nvidiaWhole("1")}, claimOf("pod", either), true},
		"as many as are large enough":         {[]resourceapi.Device{small("0"), nvidiaWhole("1")}, newClaim("pod", nvidiaClass, 1), true},
		"more than there are large enough":    {[]resourceapi.Device{small("0"), nvidiaWhole("1")}, newClaim("pod", nvidiaClass, 2), false},
		"more than that, of whichever driver": {[]resourceapi.Device{small("0"), nvidiaWhole("1")}, newClaim("pod", anyClass, 2), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, append(append(jointClasses(), publishBoth(ours, tc.theirs)...), tc.claim)...)
			pod := newPod("pod", serving)
			status := s.Filter(context.Background(), s.preFilter(pod), pod, s.nodes[0])
			if status.IsSuccess() != tc.want {
				t.Errorf("status %v, want success: %t", status, tc.want)
			}
		})
	}
}

// Where it cannot be told whether two drivers publish the same GPUs, an event on the node says
// so, once.
func TestEventOnGPUsPublishedTwice(t *testing.T) {
	objects := append(publishBoth([]resourceapi.Device{wholeGPU(0, "X")}, []resourceapi.Device{nvidiaWhole("0")}),
		newClaim("pod", gpuClass, 1), publish("other", wholeGPU(0, "X")))
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n"), newNode("other")}, objects...)
	s.preFilter(newPod("pod"))
	s.preFilter(newPod("pod"))
	sent := s.events()
	const want = "Warning GPUsPublishedTwice gpu.ashlar.dev and gpu.nvidia.com both publish GPUs, and whether GPU 0 of gpu.ashlar.dev"
	if len(sent) != 1 || !strings.HasPrefix(sent[0], want) {
		t.Errorf("events %q, want one that begins with %q", sent, want)
	}
}
