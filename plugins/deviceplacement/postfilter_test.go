package deviceplacement

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/dra"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestPostFilter(t *testing.T) {
	memory := `device.capacity["gpu.ashlar.dev"].memory.isGreaterThan(quantity("100Gi"))`
	for name, tc := range map[string]struct {
		claim   *resourceapi.ResourceClaim
		pod     func(*v1.Pod)
		objects []runtime.Object
		change  func(*config.DevicePlacementArgs)
		want    string // "" if the nodes' own reasons say it
		wantCut string // in the status, if it is too long for it
		// wantNodes is what node a says, if that matters.
		wantNodes string
	}{
		"the driver is not running": {
			claim: newClaim("pod", gpuClass, 1), want: "no node publishes devices (is the driver running?)",
		},
		"a condition that no GPU satisfies": {
			claim: newClaim("pod", gpuClass, 1, where(memory)), objects: []runtime.Object{publish("a", fourGPUs()...), publish("b", fourGPUs()...)},
			want: "request devices: no GPU satisfies " + memory + " (memory here: 80GiB)",
		},
		"holders in the way": {
			claim: newClaim("pod", gpuClass, 4),
			objects: []runtime.Object{
				publish("a", fourGPUs()...), publish("b", fourGPUs()...),
				held("a", newClaim("one", gpuClass, 1), "gpu-0"), held("a", newClaim("two", gpuClass, 1), "gpu-2"),
				held("b", newClaim("three", gpuClass, 1), "gpu-3"),
			},
			want: "the most free on one node is 3 (b). would fit with a change: request devices: 3 GPUs fit on node b; " +
				"or it fits once GPU 3 of node b is free (held by default/three)",
		},
		"another profile": {
			claim: newClaim("pod", sliceClass, 1, where(`device.attributes["gpu.ashlar.dev"].profile == "4g.40gb"`)),
			objects: []runtime.Object{
				publish("a", migSlice(0, 0), migSlice(0, 6), wideSlice(0, 0)), held("a", newClaim("one", sliceClass, 1), "gpu-0-mig-1g10gb-19-0"),
			},
			want: "would fit with a change: request devices: MIG profile 1g.10gb fits on node a; " +
				"or it fits once the MIG instances of GPU 0 of node a are rearranged (held by default/one); " +
				"or it fits once GPU 0 of node a is free (held by default/one)",
		},
		"a smaller share": {
			claim: newClaim("pod", shareClass, 1, shareOf("60Gi")), objects: []runtime.Object{
				publish("a", gpuShare(0), wholeGPU(0, "X")), heldShare("a", "one", "gpu-0-share", "30Gi"),
			},
			want: "the most left on one GPU is 50GiB (a). would fit with a change: request devices: a share of 50GiB fits on node a; " +
				"or it fits once GPU 0 of node a is free (held by default/one)",
		},
		"more than any node has": {
			claim: newClaim("pod", gpuClass, 5), objects: []runtime.Object{publish("a", fourGPUs()...)},
			want: "the most on one node is 4 (a). would fit with a change: request devices: 4 GPUs fit on node a",
		},
		"too small for the model server": {
			claim: newClaim("pod", sliceClass, 1), pod: serving, objects: []runtime.Object{publish("a", migSlice(0, 0))},
			want: "request devices: NVIDIA H100 80GB HBM3 1g.10gb: nothing is left for the KV cache: " +
				"8.77GiB of 9.75GiB for the engine - 14.99GiB weights - 1.19GiB activations - 61.44MiB other = -7.46GiB. " +
				"would fit: MIG profile 1g.10gb: 1 with model hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 on node a",
			wantCut: "request devices: NVIDIA H100 80GB HBM3 1g.10gb: nothing is left for the KV cache: " +
				"8.77GiB of 9.75GiB for the engine - 14.99GiB weights... " +
				"would fit: MIG profile 1g.10gb: 1 with model hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 on node a; " +
				"more: ashlar whatif --waiting",
		},
		"a whole GPU is large enough for the model server": {
			claim: newClaim("pod", sliceClass, 1), pod: serving, objects: []runtime.Object{publish("a", migSlice(0, 0), wholeGPU(0, "X"))},
			want: "request devices: NVIDIA H100 80GB HBM3 1g.10gb: nothing is left for the KV cache: " +
				"8.77GiB of 9.75GiB for the engine - 14.99GiB weights - 1.19GiB activations - 61.44MiB other = -7.46GiB. " +
				"would fit with a change: request devices: a whole NVIDIA H100 80GB HBM3 fits on node a",
		},
		"all are tainted": {
			claim: newClaim("pod", gpuClass, 1), objects: []runtime.Object{publish("a", lost(wholeGPU(0, "X SYS")), lost(wholeGPU(1, "SYS X")))},
			wantNodes: "node(s) have matching GPUs only with the taint example.com/lost:NoSchedule, which the pod does not tolerate",
			want:      "request devices: all 2 devices that match have the taint example.com/lost:NoSchedule",
		},
		"what is not tainted is held": {
			claim: newClaim("pod", gpuClass, 1), objects: []runtime.Object{
				publish("a", lost(wholeGPU(0, "X SYS")), wholeGPU(1, "SYS X")), held("a", newClaim("one", gpuClass, 1), "gpu-1"),
			},
			wantNodes: "node(s) have no matching GPU free",
			want: "0 of 1 matching GPUs of node a are free. would fit with a change: " +
				"it fits once GPU 1 of node a is free (held by default/one)",
		},
		"more memory than any has": {
			claim:     newClaim("pod", gpuClass, 1, shareOf("100Gi")),
			objects:   []runtime.Object{publish("a", wholeGPU(0, "X")), publish("b", device("gpu-0", "gpu", 0, "40Gi"))},
			wantNodes: "node(s) have no GPU with 100GiB of memory", want: "request devices: the largest has 80GiB (NVIDIA H100 80GB HBM3, a)",
		},
		"a capacity of another name": {
			claim: newClaim("pod", shareClass, 1, func(c *resourceapi.ResourceClaim) {
				c.Spec.Devices.Requests[0].Exactly.Capacity = &resourceapi.CapacityRequirements{
					Requests: map[resourceapi.QualifiedName]resource.Quantity{"Memory": resource.MustParse("20Gi")},
				}
			}),
			objects:   []runtime.Object{publish("a", gpuShare(0), wholeGPU(0, "X"))},
			wantNodes: "node(s) publish no capacity Memory", want: "request devices: no GPU has the capacity Memory; did you mean memory?",
		},
		"a constraint on an attribute that nobody has": {
			claim: newClaim("pod", gpuClass, 2, alike("gpu.ashlar.dev/productname")), objects: []runtime.Object{publish("a", fourGPUs()...)},
			want: "no GPU has the attribute gpu.ashlar.dev/productname that matchAttribute of the claim names; " +
				"did you mean gpu.ashlar.dev/productName?",
		},
		"a constraint on an attribute of another driver": {
			claim: newClaim("pod", gpuClass, 2, alike("gpu.nvidia.com/productName")), objects: []runtime.Object{publish("a", fourGPUs()...)},
			want: "no GPU has the attribute gpu.nvidia.com/productName that matchAttribute of the claim names; " +
				"they publish gpu.ashlar.dev/productName",
		},
		"fewer of one kind than are to be alike": {
			claim: newClaim("pod", gpuClass, 3, alike("example.com/rack")), objects: []runtime.Object{
				publish("a", inRack(wholeGPU(0, "X SYS*3"), 1), inRack(wholeGPU(1, "SYS X SYS*2"), 1), inRack(wholeGPU(2, "SYS*2 X SYS"), 2),
					inRack(wholeGPU(3, "SYS*3 X"), 2)),
				publish("b", fourGPUs()...), held("b", newClaim("one", gpuClass, 2), "gpu-0", "gpu-1"),
			},
			wantNodes: "node(s) have no 3 free GPUs of one rack",
			want: "the largest rack has 2 (a); 2 of 4 matching GPUs of node b are free. " +
				"would fit with a change: request devices: 2 GPUs fit on node a",
		},
		"devices beside the GPUs are used up": {
			claim: newClaim("pod", gpuClass, 1, andOne("nic", "nics")), objects: []runtime.Object{
				publish("a", fourGPUs()...), nics("a", "nic-0", "nic-1"), heldAdapter("a", "one", "nic-0"), heldAdapter("a", "two", "nic-1"),
			},
			wantNodes: "node(s) have no free device of class nics (2 of 2 are taken), while 4 GPUs are free", want: "",
		},
		"GPUs are used up, not what is beside them": {
			claim: newClaim("pod", gpuClass, 4, andOne("nic", "nics")), objects: []runtime.Object{
				publish("a", fourGPUs()...), nics("a", "nic-0"), held("a", newClaim("one", gpuClass, 1), "gpu-3"),
			},
			wantNodes: "node(s) have fewer than 4 GPUs free",
			want: "3 of 4 matching GPUs of node a are free. would fit with a change: request devices: 3 GPUs fit on node a; " +
				"or it fits once GPU 3 of node a is free (held by default/one)",
		},
		"what is free is not in one place": {
			claim: newClaim("pod", gpuClass, 1, andOne("nic", "nics"), alike("example.com/rack")), objects: []runtime.Object{
				publish("a", inRack(wholeGPU(0, "X SYS"), 1), inRack(wholeGPU(1, "SYS X"), 2)), nicsInRacks("a", 1, 2),
				held("a", newClaim("one", gpuClass, 1), "gpu-0"), heldAdapter("a", "two", "nic-2"),
			},
			wantNodes: "node(s) have no free device of class nics with the example.com/rack of enough free GPUs",
			want:      "would fit with a change: it fits once GPU 0 of node a is free (held by default/one)",
		},
		"no such devices beside the GPUs": {
			claim:     newClaim("pod", gpuClass, 1, andOne("nic", "nics")),
			objects:   []runtime.Object{publish("a", append(fourGPUs(), vfioDevice(0))...)},
			wantNodes: "node(s) publish no device of class nics for request nic",
			want:      "",
		},
		"all GPUs of a node that has one taken": {
			claim: newClaim("pod", gpuClass, 0, func(c *resourceapi.ResourceClaim) {
				c.Spec.Devices.Requests[0].Exactly.AllocationMode, c.Spec.Devices.Requests[0].Exactly.Count = resourceapi.DeviceAllocationModeAll, 0
			}),
			objects:   []runtime.Object{publish("a", wholeGPU(0, "X")), held("a", newClaim("one", gpuClass, 1), "gpu-0")},
			wantNodes: "node(s) have matching GPUs that are not free (1 of 1 is taken), and request devices takes all", want: "",
		},
		"a passthrough device, of which there is none left": {
			claim: newClaim("pod", vfioClass, 1), objects: []runtime.Object{
				publish("a", wholeGPU(0, "X"), vfioDevice(0)), held("a", newClaim("one", vfioClass, 1), "gpu-vfio-0"),
			},
			wantNodes: "node(s) have no free device of class vfio (1 of 1 is taken)", want: "",
		},
		"only some nodes looked at": {
			claim: newClaim("pod", gpuClass, 4),
			objects: []runtime.Object{
				publish("a", fourGPUs()...), publish("b", fourGPUs()...),
				held("a", newClaim("one", gpuClass, 1), "gpu-0"), held("a", newClaim("two", gpuClass, 1), "gpu-2"),
				held("b", newClaim("three", gpuClass, 1), "gpu-3"),
			},
			change: func(a *config.DevicePlacementArgs) { a.MaxExplainedNodes = 1 },
			want: "2 of 4 matching GPUs of node a are free. would fit with a change: request devices: 2 GPUs fit on node a; " +
				"or it fits once GPUs 0,2 of node a are free (held by default/one, default/two)",
		},
		"no time": {
			claim: newClaim("pod", gpuClass, 1), objects: []runtime.Object{
				publish("a", wholeGPU(0, "X")), held("a", newClaim("one", gpuClass, 1), "gpu-0"),
			},
			change: func(a *config.DevicePlacementArgs) { a.ExplainTimeout.Duration = time.Nanosecond },
			want:   "what would fit was not found within 1ns",
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := defaultArgs()
			if tc.change != nil {
				tc.change(args)
			}
			s := newFakeScheduler(t, args, []*v1.Node{newNode("a"), newNode("b")}, append(tc.objects, tc.claim)...)
			pod := newPod("pod")
			if tc.pod != nil {
				tc.pod(pod)
			}
			state := s.preFilter(pod)
			feasible, refused := s.filterAll(state, pod)
			if len(feasible) > 0 {
				t.Fatalf("the pod fits on %v", names(feasible))
			}
			if got := refused.Get("a").Message(); tc.wantNodes != "" && got != tc.wantNodes {
				t.Errorf("node a says %q, want %q", got, tc.wantNodes)
			}
			_, status := s.PostFilter(context.Background(), state, pod, refused)
			if status.Code() != fwk.Unschedulable {
				t.Fatalf("status %v, want Unschedulable", status)
			}
			got, want := status.Message(), cmp.Or(tc.wantCut, tc.want)
			if want == "" && strings.Contains(got, "fit") || want != "" && got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if again := s.ExplainRefusal(context.Background(), state, pod, refused, args.ExplainTimeout.Duration); again != tc.want {
				t.Errorf("asked for the explanation alone\n%s\nwant\n%s", again, tc.want)
			}
		})
	}
}

// Nodes that other plugins refused are not explained.
func TestPostFilterLooksAtItsOwnRefusals(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a"), newNode("b")}, newClaim("pod", gpuClass, 4),
		publish("a", fourGPUs()...), publish("b", fourGPUs()...),
		held("a", newClaim("one", gpuClass, 1), "gpu-0"), held("b", newClaim("two", gpuClass, 1), "gpu-0"))
	pod := newPod("pod")
	state := s.preFilter(pod)
	_, refused := s.filterAll(state, pod)
	byOther := fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node affinity")
	byOther.SetPlugin("NodeAffinity")
	refused.Set("a", byOther)
	_, status := s.PostFilter(context.Background(), state, pod, refused)
	const want = "of node b is free (held by default/two)"
	if !strings.HasSuffix(status.Message(), want) || strings.Contains(status.Message(), "node a") {
		t.Errorf("%q, want an end of %q", status.Message(), want)
	}
}

// The words follow from what was found out, and from nothing else.
func TestExplanationInWords(t *testing.T) {
	found := []nodeSuggestion{{Suggestion: placement.Suggestion{Kind: placement.FewerGPUs, Count: 1}, node: "a", request: "gpus"}}
	for name, tc := range map[string]struct {
		explanation podExplanation
		want        string
	}{
		"nothing was looked at":    {podExplanation{}, ""},
		"it fits already":          {podExplanation{Explanation: &cluster.Explanation{FitsAlready: []int{0}}, suggestions: found}, ""},
		"not decided on some node": {podExplanation{Explanation: &cluster.Explanation{Undecided: []int{0}}, suggestions: found}, ""},
		"time ran out": {
			podExplanation{Explanation: &cluster.Explanation{}, timedOut: true, timeout: time.Second}, "what would fit was not found within 1s",
		},
		"time ran out, yet one knew": {
			podExplanation{Explanation: &cluster.Explanation{}, timedOut: true, suggestions: found},
			"would fit with a change: request gpus: 1 GPU fits on node a",
		},
		"a taint stands behind the cause, before what helps": {podExplanation{
			counted: []textClause{{text: "the cause", kind: detailClause}, {text: "would fit: x", kind: remedyClause}},
			tainted: []string{"the taint"},
		},
			"the cause. the taint. would fit: x"},
		"two requests unmet": {podExplanation{
			unmet: []dra.UnmetRequest{{Request: "a", Condition: "no GPU satisfies x", Decided: true}, {Request: "b"}}, timeout: time.Second,
		},
			"request a: no GPU satisfies x; request b: which of its conditions no GPU satisfies was not found within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.explanation.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A pod that another plugin's PreFilter refused first is told nothing more.
func TestPostFilterWithoutPreFilter(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("a")}, newClaim("pod", gpuClass, 1), publish("a", fourGPUs()...))
	_, status := s.PostFilter(context.Background(), framework.NewCycleState(), newPod("pod"), framework.NewDefaultNodeToStatus())
	if status.Code() != fwk.Unschedulable || status.Message() != "" {
		t.Errorf("got %v %q, want Unschedulable without a text", status.Code(), status.Message())
	}
}

// A pod whose victims are gone keeps its node, and nobody else is ended for it, until the
// claims of those victims are released.
func TestPostFilterWaitsForDevicesOfVictims(t *testing.T) {
	for name, tc := range map[string]struct {
		nominated string
		want      fwk.Code
		message   string
	}{
		"on the node of the victims": {
			"a", fwk.UnschedulableAndUnresolvable, "waits until the devices of pods that ended on node a are released",
		},
		"on another node":       {"b", fwk.Unschedulable, "would fit with a change"},
		"nominated for no node": {"", fwk.Unschedulable, "would fit with a change"},
	} {
		t.Run(name, func(t *testing.T) {
			// Nobody has created the pod that the claim is reserved for: it is gone.
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("a"), newNode("b")}, newClaim("pod", gpuClass, 4),
				publish("a", fourGPUs()...), publish("b", fourGPUs()[:3]...), held("a", newClaim("victim", gpuClass, 1), "gpu-0"))
			pod := newPod("pod")
			info, err := framework.NewPodInfo(pod)
			if err != nil {
				t.Fatal(err)
			}
			s.nominations.node, s.nominations.pod = tc.nominated, info // the pod's status does not say so yet
			state := s.preFilter(pod)
			_, refused := s.filterAll(state, pod)
			_, status := s.PostFilter(context.Background(), state, pod, refused)
			if status.Code() != tc.want || !strings.Contains(status.Message(), tc.message) {
				t.Errorf("got %s (%s), want %s (%s)", status.Code(), status.Message(), tc.want, tc.message)
			}
		})
	}
}

// lost taints a device.
func lost(d resourceapi.Device) resourceapi.Device {
	d.Taints = []resourceapi.DeviceTaint{{Key: "example.com/lost", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
	return d
}

// inRack says in which rack a device is.
func inRack(d resourceapi.Device, rack int64) resourceapi.Device {
	d.Attributes["example.com/rack"] = resourceapi.DeviceAttribute{IntValue: &rack}
	return d
}

// alike makes the devices of a claim agree on an attribute.
func alike(attribute resourceapi.FullyQualifiedName) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) {
		claim.Spec.Devices.Constraints = []resourceapi.DeviceConstraint{{MatchAttribute: &attribute}}
	}
}

// andOne adds a request for one device of a class.
func andOne(request, class string) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) {
		claim.Spec.Devices.Requests = append(claim.Spec.Devices.Requests, resourceapi.DeviceRequest{
			Name: request, Exactly: &resourceapi.ExactDeviceRequest{
				DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
			},
		})
	}
}

// nics is what another driver publishes on a node.
func nics(node string, names ...string) *resourceapi.ResourceSlice {
	slice := publish(node)
	slice.Name, slice.Spec.Driver = node+"-nics", "nic.example.com"
	for _, name := range names {
		slice.Spec.Devices = append(slice.Spec.Devices, resourceapi.Device{Name: name})
	}
	return slice
}

// nicsInRacks publishes a NIC in each of some racks, named after it.
func nicsInRacks(node string, racks ...int64) *resourceapi.ResourceSlice {
	slice := nics(node)
	for _, rack := range racks {
		slice.Spec.Devices = append(slice.Spec.Devices, inRack(resourceapi.Device{
			Name: fmt.Sprintf("nic-%d", rack), Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{},
		}, rack))
	}
	return slice
}

// heldNIC is a claim that has one of them.
func heldAdapter(node, claim, device string) *resourceapi.ResourceClaim {
	holder := held(node, newClaim(claim, adapters, 1), device)
	holder.Status.Allocation.Devices.Results[0].Driver = "nic.example.com"
	return holder
}
