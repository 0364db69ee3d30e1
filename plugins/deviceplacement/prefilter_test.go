package deviceplacement

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

func TestPreFilter(t *testing.T) {
	noClaims := func(pod *v1.Pod) { pod.Spec.ResourceClaims = nil }
	extended := func(pod *v1.Pod) {
		noClaims(pod)
		pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{gpuResource: resource.MustParse("2")}
	}
	for name, tc := range map[string]struct {
		pod       *v1.Pod
		wantCode  fwk.Code
		wantText  string
		wantCycle bool
	}{
		"two GPUs":                  {newPod("pair"), fwk.Success, "", true},
		"an extended resource":      {newPod("plain", extended), fwk.Success, "", true},
		"no devices":                {newPod("cpu", noClaims), fwk.Skip, "", false},
		"a claim that is allocated": {newPod("running"), fwk.Success, "", false},
		"a claim that is not there": {
			newPod("nowhere"), fwk.UnschedulableAndUnresolvable, `could not find resource claim "default/nowhere"`, false,
		},
		"a class that is not there": {newPod("unclassed"), fwk.UnschedulableAndUnresolvable, "device class none", false},
		"a selector that is long": {
			newPod("wordy"), fwk.UnschedulableAndUnresolvable, "does not compile", false,
		},
		"a class of a long name": {
			newPod("longwinded"), fwk.UnschedulableAndUnresolvable, "device class a.a.", false,
		},
		"an amount that cannot be": {
			newPod("huge"), fwk.UnschedulableAndUnresolvable, "capacity memory of 2Ei is not an amount that a device can have", false,
		},
		"an annotation that cannot be": {newPod("pair", func(pod *v1.Pod) {
			pod.Annotations = map[string]string{launch.GPUMemoryAnnotation: "plenty"}
		}), fwk.UnschedulableAndUnresolvable, launch.GPUMemoryAnnotation, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", fourGPUs()...),
				newClaim("pair", gpuClass, 2), newClaim("huge", shareClass, 1, shareOf("2Ei")), newClaim("unclassed", "none", 1),
				newClaim("wordy", gpuClass, 1, where(strings.Repeat("device.driver != 'a' && ", 300)+"device.driver")),
				newClaim("longwinded", strings.Repeat("a.", 120)+"a", 1, func(c *resourceapi.ResourceClaim) {
					c.Spec.Devices.Requests[0].Name = strings.Repeat("r", 60)
				}),
				held("n", newClaim("running", gpuClass, 1), "gpu-0"))
			state := framework.NewCycleState()
			_, status := s.PreFilter(context.Background(), state, tc.pod, s.nodes)
			if status.Code() != tc.wantCode || !strings.Contains(status.Message(), tc.wantText) {
				t.Errorf("status %s %q, want %s with %q", status.Code(), status.Message(), tc.wantCode, tc.wantText)
			}
			if len("0/1000 nodes are available: "+status.Message()) > statusLimit {
				t.Errorf("the status is longer than %d: %s", statusLimit, status.Message())
			}
			if got := cycleOf(state) != nil; got != tc.wantCycle {
				t.Errorf("a cycle: %t, want %t", got, tc.wantCycle)
			}
		})
	}
}

// Whatever a pod is refused for, the search for pods to end in its favour finds nothing and
// is no error.
func TestPostFilterAfterRefusingPreFilter(t *testing.T) {
	for name, pod := range map[string]*v1.Pod{
		"an annotation that cannot be": countedPod("pod", "1"),
		"a server that cannot start":   countedPod("pod", "1", append(eightB, "--tensor-parallel-size=4")...),
		"a claim that is not there":    newPod("nowhere"),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "an annotation that cannot be" {
				pod.Annotations = map[string]string{launch.GPUMemoryAnnotation: "plenty"}
			}
			s := newFakeScheduler(t, nil, countedNodes())
			state := framework.NewCycleState()
			if _, status := s.PreFilter(context.Background(), state, pod, s.nodes); status.Code() != fwk.UnschedulableAndUnresolvable {
				t.Fatalf("PreFilter: %v, want %s", status, fwk.UnschedulableAndUnresolvable)
			}
			if _, status := s.PostFilter(context.Background(), state, pod, framework.NewDefaultNodeToStatus()); !status.IsRejected() {
				t.Errorf("PostFilter: %s %v, want the pod to wait", status.Code(), status)
			}
		})
	}
}

// A pod that comes again is read anew: nothing is left of its last cycle, nor of another
// pod's.
func TestPreFilterForgetsTheLastCycle(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", fourGPUs()...), newClaim("pair", gpuClass, 2),
		held("n", newClaim("running", gpuClass, 1), "gpu-0"))
	state := s.preFilter(newPod("pair"))
	if _, status := s.PreFilter(context.Background(), state, newPod("running"), s.nodes); !status.IsSuccess() {
		t.Fatal(status)
	}
	if cycleOf(state) != nil {
		t.Error("the cycle of a pod without anything to allocate has what the one before it asked for")
	}
}

// What later steps change is not shared between copies of a cycle's state.
func TestCycleIsCopied(t *testing.T) {
	state := framework.NewCycleState()
	state.Write(cycleKey, &podCycle{})
	clone := state.Clone()
	if cycleOf(clone).got = "a GPU"; cycleOf(state).got != "" {
		t.Errorf("got %q, want nothing", cycleOf(state).got)
	}
	if cycleOf(framework.NewCycleState()) != nil {
		t.Error("a state without a cycle has one")
	}
}

// Doubts about a model server are told once for each pod.
func TestPreFilterTellsDoubtsOnce(t *testing.T) {
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", fourGPUs()...), newClaim("pair", gpuClass, 2))
	unknown := newPod("pair", serving, func(pod *v1.Pod) { pod.Spec.Containers[0].Args[1] = "somebody/unheard-of" })
	s.preFilter(unknown)
	s.preFilter(unknown)
	sent := s.events()
	if len(sent) != 1 || !strings.HasPrefix(sent[0], "Warning ModelServerDoubt its model server's memory was not checked: ") {
		t.Errorf("events %q, want one ModelServerDoubt", sent)
	}
	s.preFilter(newPod("pair", serving, func(pod *v1.Pod) { pod.UID = "other" }))
	if sent := s.events(); len(sent) != 0 {
		t.Errorf("events %q about a server without doubts", sent)
	}
}

// placedSnapshot is a snapshot in which kube-scheduler tries a placement of a group.
type placedSnapshot struct {
	fakeSnapshot
	placement []fwk.NodeInfo
}

func (s placedSnapshot) ListNodesInPlacement() ([]fwk.NodeInfo, error) { return s.placement, nil }

// A pod of a group is asked about nodes of the placement alone, though others have better devices for it.
func TestPreFilterInPlacement(t *testing.T) {
	args := defaultArgs()
	args.Candidates = 1
	s := newFakeScheduler(t, args, []*v1.Node{hostNode("small"), hostNode("large"), hostNode("larger")}, newClaim("pod", gpuClass, 1),
		publish("small", wholeGPU(0, "X")), publish("large", fourGPUs()[:2]...), publish("larger", fourGPUs()...))
	s.lister = placedSnapshot{fakeSnapshot{scheduler: s}, s.nodes[1:]}
	for name, tc := range map[string]struct {
		placed bool
		want   string
	}{
		"by itself": {false, "small"}, "in a placement": {true, "large"},
	} {
		t.Run(name, func(t *testing.T) {
			state := framework.NewCycleState()
			if tc.placed {
				state.SetPodGroupSchedulingCycle(framework.NewCycleState())
			}
			result, status := s.PreFilter(context.Background(), state, newPod("pod"), s.nodes)
			if !status.IsSuccess() {
				t.Fatal(status)
			}
			if diff := cmp.Diff([]string{tc.want}, result.NodeNames.UnsortedList()); diff != "" {
				t.Errorf("nodes that are asked (-want +got):\n%s", diff)
			}
		})
	}
}
