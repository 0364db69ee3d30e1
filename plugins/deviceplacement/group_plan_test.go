package deviceplacement

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// A group that has waited for its turn has places kept as they become free, for a time;
// others take what it does not need, and a higher priority takes what it likes.
func TestGroupThatWaitsHasPlacesKept(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := slices.Concat(gpuClaims(4, "gang-0", "gang-1", "large"), gpuClaims(1, "small"), []runtime.Object{
		held("a", newClaim("busy", gpuClass, 1), "gpu-0"),
		publish("a", fourGPUs()...), publish("b", fourGPUs()...), publish("c", wholeGPU(0, "X")),
	})
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b"), hostNode("c")}, pods, objects...)
	g.nodes[0].AddPodInfo(podInfo(t, newPod("busy", on("a"))))
	nodesFor := func(name string, change ...func(*v1.Pod)) []string {
		pod := newPod(name, change...)
		feasible, _ := g.filterAll(g.preFilter(pod), pod)
		names := []string{}
		for _, node := range feasible {
			names = append(names, node.Node().Name)
		}
		return names
	}
	want := func(when string, small, large []string) {
		t.Helper()
		if diff := cmp.Diff(small, nodesFor("small")); diff != "" {
			t.Errorf("%s, nodes of a small pod (-want +got):\n%s", when, diff)
		}
		if diff := cmp.Diff(large, nodesFor("large")); diff != "" {
			t.Errorf("%s, nodes of a large pod (-want +got):\n%s", when, diff)
		}
	}
	refuse := func() {
		t.Helper()
		if got := g.placeMember(pods[0]); !strings.HasPrefix(got, "refused: 1 of the 2 pods") {
			t.Fatal(got)
		}
		g.nodes[2].AddPodInfo(podInfo(t, newPod("another", on("c")))) // something happens
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		held := cycleOf(g.preFilter(newPod("small"))).Snapshot().NodeState(0).Allocations()
		if len(held) == 1 && held[0].Holder != "" {
			break // it is known by now whose the device is
		}
		if time.Now().After(deadline) {
			t.Fatalf("node a: %+v", held)
		}
	}
	refuse()
	want("before its turn", []string{"a", "b", "c"}, []string{"b"})
	g.clock = g.clock.Add(reserveAfter)
	refuse()
	want("in its turn", []string{"c"}, []string{})
	urgent := func(pod *v1.Pod) { pod.Spec.Priority = ptr.To(int32(10)) }
	if diff := cmp.Diff([]string{"b"}, nodesFor("large", urgent)); diff != "" {
		t.Errorf("nodes of an urgent pod (-want +got):\n%s", diff)
	}
	g.clock = g.clock.Add(reserveTime)
	want("after its turn", []string{"a", "b", "c"}, []string{"b"})
	refuse()
	want("behind others", []string{"a", "b", "c"}, []string{"b"})
}

// A pod that is deleted takes its group's plan with it, and groups that wait are tried again.
func TestDeletedMemberReleasesThePlan(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := append(gpuClaims(2, "gang-0", "gang-1", "rival-0", "rival-1"), publish("a", fourGPUs()...))
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, objects...)
	if got := g.placeMember(pods[0]); got != "a" {
		t.Fatal(got)
	}
	first := g.group
	rivals := []*v1.Pod{newPod("rival-0"), newPod("rival-1")}
	g.group = groupNamed("rivals", rivals)
	if got := g.placeMember(rivals[0]); !strings.HasPrefix(got, "refused: 0 of the 2 pods") {
		t.Fatal(got)
	}
	g.activated = nil
	g.plans.forgetPod(first.Key, pods[1].UID)
	if place, _ := g.plans.standingOf(first.Key, pods[1], 1); place != nil {
		t.Error("the plan is still there")
	}
	if len(g.activated) != 1 || g.activated[0].Name != "rival-0" {
		t.Errorf("%d pods are tried again, want one of the group that waits", len(g.activated))
	}
}

// A pod in no group that was tried while a plan held what it needs is tried again once the plan is
// dropped, but not once it has a node.
func TestDroppedPlanWakesSinglePods(t *testing.T) {
	for name, placed := range map[string]bool{"it waits": false, "it found other devices": true} {
		t.Run(name, func(t *testing.T) {
			pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
			objects := append(gpuClaims(2, "gang-0", "gang-1", "other"), publish("a", fourGPUs()...), publish("b", fourGPUs()...))
			g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b")}, pods, objects...)
			g.placeMember(pods[0])
			other := newPod("other")
			state := g.preFilter(other)
			if placed {
				g.filterAll(state, other)
				if status := g.Reserve(t.Context(), state, other, "b"); !status.IsSuccess() {
					t.Fatal(status)
				}
			}
			g.activated = nil
			g.plans.forgetPod(g.group.Key, pods[1].UID)
			if woken := len(g.activated) == 1 && g.activated[0].Name == "other"; woken == placed {
				t.Errorf("%d pods are tried again", len(g.activated))
			}
		})
	}
}

// Pods beyond those that must start together take their places too once the others have
// theirs: nothing stays held.
func TestSpareMembersTakeTheirPlaces(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1"), newPod("gang-2")}
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b")}, pods,
		append(gpuClaims(2, "gang-0", "gang-1", "gang-2"), publish("a", fourGPUs()...), publish("b", fourGPUs()...))...)
	g.group.MinMember = 2
	if diff := cmp.Diff([]string{"a", "a", "b"}, g.placeAll(pods)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if len(g.plans.groups) > 0 {
		t.Errorf("a plan is left: %+v", g.plans.groups)
	}
}
