package deviceplacement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// A group that has more pods than it needs starts, whichever of them comes first: without those that
// find no room even alone, which neither hold it up nor make it give anything back.
func TestGroupStartsWithoutSparePods(t *testing.T) {
	for name, tc := range map[string]struct {
		gpus      []int64 // that each pod asks for, of four
		needed    int
		wantWhole int // that have a place once the group has started
	}{
		"one needs more than there is":   {[]int64{8, 1, 1, 1}, 3, 3},
		"two do":                         {[]int64{8, 1, 8, 1}, 2, 2},
		"all are alike and two fit":      {[]int64{2, 2, 2, 2}, 2, 2},
		"all are alike and one may fit":  {[]int64{4, 4, 4}, 1, 1},
		"the large one is not needed":    {[]int64{3, 1, 1, 1}, 3, 3},
		"only the large one is too much": {[]int64{4, 2, 2}, 2, 2},
	} {
		for first := range tc.gpus {
			t.Run(fmt.Sprintf("%s, pod %d first", name, first), func(t *testing.T) {
				var pods []*v1.Pod
				objects := []runtime.Object{publish("a", fourGPUs()...)}
				for i, count := range tc.gpus {
					pods = append(pods, newPod(fmt.Sprintf("gang-%d", i)))
					objects = append(objects, newClaim(pods[i].Name, gpuClass, count))
				}
				g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, objects...)
				g.group.MinMember = tc.needed
				order := append([]*v1.Pod{pods[first]}, slices.Delete(slices.Clone(pods), first, first+1)...)
				told := map[string]string{}
				for round := 0; round < 2 && len(g.group.Assigned) < tc.needed; round++ {
					for _, pod := range order {
						if !slices.Contains(g.group.Assigned, pod) {
							told[pod.Name] = g.placeMember(pod)
						}
					}
				}
				if got := len(g.group.Assigned); got != tc.wantWhole {
					t.Fatalf("%d pods have a place, want %d: %v", got, tc.wantWhole, told)
				}
				for _, pod := range pods {
					if !slices.Contains(g.group.Assigned, pod) && strings.Contains(told[pod.Name], "starts with") &&
						!slices.ContainsFunc(g.activated, func(other *v1.Pod) bool { return other.UID == pod.UID }) {
						t.Errorf("%s was spared and is not tried again", pod.Name)
					}
				}
			})
		}
	}
}

// A pod that is spared does not make the group's other pods give their places back, and nobody is ended
// for it.
func TestSparedPodTakesNothing(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1"), newPod("gang-2")}
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, append(gpuClaims(2, "gang-0", "gang-1", "gang-2"), publish("a", fourGPUs()...))...)
	g.group.MinMember = 2
	if got := g.placeMember(pods[0]); got != "a" {
		t.Fatal(got)
	}
	state, _, status := g.groupCycle(pods[2])
	const want = "PodGroup gang starts with 2 of its pods, and not with this one: it is tried again once they have their nodes"
	if status.Code() != fwk.UnschedulableAndUnresolvable || status.Message() != want {
		t.Errorf("status %v: %s", status.Code(), status.Message())
	}
	if group := groupcycle.GroupOf(state); !group.Spared() || group.Shortfall() != nil {
		t.Error("the group's own plugin is not told that the pod is spared")
	}
	if got := g.placeMember(pods[1]); got != "a" {
		t.Errorf("the second pod's place is gone: %s", got)
	}
	if len(g.activated) == 0 || g.activated[len(g.activated)-1].UID != pods[2].UID {
		t.Error("the spared pod is not tried once the others have their nodes")
	}
}
