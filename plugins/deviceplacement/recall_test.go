package deviceplacement

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// putOn puts pods on a node of the scheduler's snapshot.
func (s *fakeScheduler) putOn(node *v1.Node, pods ...*v1.Pod) {
	s.t.Helper()
	info := framework.NewNodeInfo(pods...)
	info.SetNode(node)
	s.nodes = append(s.nodes, info)
}

// boundPodAt is a pod of a scheduler that was bound at a second.
func boundPodAt(name, scheduler string, second int64) *v1.Pod {
	pod := newPod(name)
	pod.Spec.SchedulerName = scheduler
	pod.Status.Conditions = []v1.PodCondition{
		{Type: v1.PodScheduled, Status: v1.ConditionTrue, LastTransitionTime: metav1.Unix(second, 0)},
	}
	return pod
}

// Bound pods come in the order in which they were bound, and only those of the profile: the
// forecast has not learned from others either.
func TestBoundPodsComeInOrder(t *testing.T) {
	s := newFakeScheduler(t, nil, nil)
	s.profile = "ours"
	early := boundPodAt("z", "ours", 10)
	older := boundPodAt("y", "ours", 20)
	newer := boundPodAt("c", "ours", 20)
	newer.CreationTimestamp = metav1.NewTime(time.Unix(5, 0))
	s.putOn(newNode("b"), newer, boundPodAt("x", "theirs", 1))
	s.putOn(newNode("a"), boundPodAt("d", "ours", 30), older, boundPodAt("b", "ours", 20), early)
	var got []string
	for _, bound := range s.listBound(s.nodes) {
		got = append(got, bound.pod.Name+" on "+bound.node.Node().Name)
	}
	if diff := cmp.Diff([]string{"z on a", "b on a", "y on a", "c on b", "d on a"}, got); diff != "" {
		t.Errorf("bound pods (-want +got):\n%s", diff)
	}
}

// A bound pod takes what its claims and its device plugin gave it.
func TestBoundPodsTakeWhatTheyHave(t *testing.T) {
	share := held("n", newClaim("share", shareClass, 1), "gpu-3-share")
	share.Status.Allocation.Devices.Results[0].ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{
		"memory": resource.MustParse("20Gi"),
	}
	objects := []runtime.Object{
		publish("n", append(fourGPUs(), gpuShare(3))...), held("n", newClaim("two", gpuClass, 2), "gpu-0", "gpu-1"), share,
		held("n", newClaim("extra", gpuClass, 1), "gpu-2"), newClaim("waits", gpuClass, 1),
	}
	s := newFakeScheduler(t, nil, nil, objects...)
	if err := s.source.Refresh(); err != nil {
		t.Fatal(err)
	}
	extended := newPod("extended")
	extended.Spec.ResourceClaims = nil
	extended.Status.ExtendedResourceClaimStatus = &v1.PodExtendedResourceClaimStatus{ResourceClaimName: "extra"}
	plugin := countedNode("p", "NVIDIA-L40S", "46068", "2")
	for name, tc := range map[string]struct {
		pod     *v1.Pod
		node    *v1.Node
		counted sets.Set[types.UID]
		want    string
	}{
		"two GPUs":                     {pod: newPod("two"), want: "2 devices, the first of form whole"},
		"a share":                      {pod: newPod("share"), want: "1 devices, the first of form share, 20Gi"},
		"an extended resource":         {pod: extended, want: "1 devices, the first of form whole"},
		"a claim that waits":           {pod: newPod("waits"), want: "nothing"},
		"a claim of another pod's too": {pod: newPod("two"), counted: sets.New[types.UID]("claim-two"), want: "nothing"},
		"a full device plugin's":       {pod: countedPod("both", "2"), node: plugin, want: "2 devices, the first of form whole"},
		"nothing of either":            {pod: usingNoClaim(newPod("none")), want: "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			node := tc.node
			if node == nil {
				node = newNode("n")
			}
			info := framework.NewNodeInfo(tc.pod)
			info.SetNode(node)
			if tc.counted == nil {
				tc.counted = sets.New[types.UID]()
			}
			inventory, devices := s.heldBy(tc.pod, info, tc.counted)
			if got := describeHeld(inventory, devices); got != tc.want {
				t.Errorf("takes %s, want %s", got, tc.want)
			}
		})
	}
}

func usingNoClaim(pod *v1.Pod) *v1.Pod {
	pod.Spec.ResourceClaims = nil
	return pod
}

func describeHeld(inventory *placement.Inventory, devices []placement.DeviceAllocation) string {
	if inventory == nil {
		return "nothing"
	}
	first := inventory.Devices[devices[0].Device]
	text := fmt.Sprintf("%d devices, the first of form %s", len(devices), first.Form)
	if first.Form == placement.Share {
		text += ", " + resource.NewQuantity(int64(devices[0].Bytes), resource.BinarySI).String()
	}
	return text
}

// The first pod that a new process reserves devices for finds the forecast knowing those that
// are bound, once.
func TestReserveRecallsBoundPods(t *testing.T) {
	node := newNode("n")
	s := newFakeScheduler(t, nil, nil, publish("n", fourGPUs()...), held("n", newClaim("old", gpuClass, 1), "gpu-0"),
		newClaim("new", gpuClass, 1))
	old := boundPodAt("old", "", 1)
	s.putOn(node, old)
	pod := newPod("new")
	state := s.preFilter(pod)
	s.filterAll(state, pod)
	if status := s.Reserve(t.Context(), state, pod, "n"); !status.IsSuccess() {
		t.Fatal(status)
	}
	if !s.forecast.observed.knowsPod(old.UID) {
		t.Error("the forecast does not know the pod that is bound")
	}
	if s.forecast.observed.knowsPod(pod.UID) {
		t.Error("the forecast knows a pod that is only reserved")
	}
	if s.forecast.beginRecall() {
		t.Error("the forecast would recall again")
	}
}
