package deviceplacement

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// hostNode is a node for 110 pods with a label or two.
func hostNode(name string, labels ...string) *v1.Node {
	node := newNode(name)
	node.Status.Allocatable[v1.ResourcePods] = resource.MustParse("110")
	node.Labels = map[string]string{v1.LabelHostname: name}
	for i := 0; i+1 < len(labels); i += 2 {
		node.Labels[labels[i]] = labels[i+1]
	}
	return node
}

// fakeGroup is a group in a scheduler that the test plays, with a clock of its own.
type fakeGroup struct {
	*fakeScheduler
	group *groupcycle.Group
	clock time.Time
}

// newFakeGroup has a group of all pods, each with a claim of its name among the objects.
func newFakeGroup(t *testing.T, nodes []*v1.Node, pods []*v1.Pod, objects ...runtime.Object) *fakeGroup {
	t.Helper()
	g := &fakeGroup{fakeScheduler: newFakeScheduler(t, defaultArgs(), nodes, objects...), clock: time.Unix(1_800_000_000, 0)}
	g.plans.now = func() time.Time { return g.clock }
	g.group = groupNamed("gang", pods)
	return g
}

// groupNamed is a group of pods that all start together.
func groupNamed(name string, pods []*v1.Pod) *groupcycle.Group {
	key := types.NamespacedName{Namespace: space, Name: name}
	return &groupcycle.Group{Key: key, MinMember: len(pods), Pending: pods, Timeout: time.Minute}
}

// groupCycle begins the cycle of a member.
func (g *fakeGroup) groupCycle(pod *v1.Pod) (*framework.CycleState, *fwk.PreFilterResult, *fwk.Status) {
	state := framework.NewCycleState()
	current := *g.group
	groupcycle.WriteGroup(state, &current)
	result, status := g.PreFilter(context.Background(), state, pod, g.nodes)
	return state, result, status
}

// placeMember takes a member through its cycle until it has devices.
func (g *fakeGroup) placeMember(pod *v1.Pod) string {
	g.t.Helper()
	state, result, status := g.groupCycle(pod)
	if !status.IsSuccess() {
		return "refused: " + status.Message()
	}
	for _, node := range g.nodes {
		name := node.Node().Name
		if !result.AllNodes() && !result.NodeNames.Has(name) || !g.Filter(context.Background(), state, pod, node).IsSuccess() {
			continue
		}
		if status := g.Reserve(context.Background(), state, pod, name); !status.IsSuccess() {
			g.t.Fatalf("Reserve of %s: %v", pod.Name, status)
		}
		node.AddPodInfo(podInfo(g.t, pod))
		g.group.Pending = slices.DeleteFunc(slices.Clone(g.group.Pending), func(other *v1.Pod) bool { return other.UID == pod.UID })
		g.group.Assigned = append(slices.Clone(g.group.Assigned), pod)
		return name
	}
	return "nowhere"
}

func (g *fakeGroup) placeAll(pods []*v1.Pod) []string {
	g.t.Helper()
	var nodes []string
	for _, pod := range pods {
		nodes = append(nodes, g.placeMember(pod))
	}
	return nodes
}

// onlyOn lets a pod go to one node.
func onlyOn(node string) func(*v1.Pod) {
	return func(pod *v1.Pod) { pod.Spec.NodeSelector = map[string]string{v1.LabelHostname: node} }
}

// gpuClaims are claims for so many GPUs each, of pods of these names.
func gpuClaims(count int64, names ...string) []runtime.Object {
	var claims []runtime.Object
	for _, name := range names {
		claims = append(claims, newClaim(name, gpuClass, count))
	}
	return claims
}

// The first member of a group has the places of all chosen: an undemanding pod that comes
// first leaves the node to the ones that can go nowhere else.
func TestGroupIsPlacedTogether(t *testing.T) {
	pods := []*v1.Pod{newPod("any-0"), newPod("any-1"), newPod("only-0", onlyOn("a")), newPod("only-1", onlyOn("a"))}
	objects := append(gpuClaims(2, "any-0", "any-1", "only-0", "only-1"), publish("a", fourGPUs()...), publish("b", fourGPUs()...))
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b")}, pods, objects...)
	if diff := cmp.Diff([]string{"b", "b", "a", "a"}, g.placeAll(pods)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if len(g.plans.groups) > 0 {
		t.Errorf("something is kept of a group that has all its places: %+v", g.plans.groups)
	}
}

// What a plan holds nobody else gets, until it ends.
func TestPlanHoldsItsPlaces(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := append(gpuClaims(2, "gang-0", "gang-1", "other"), publish("a", fourGPUs()...))
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, objects...)
	if got := g.placeMember(pods[0]); got != "a" {
		t.Fatal(got)
	}
	other := newPod("other")
	tryOther := func() int {
		state := g.preFilter(other)
		feasible, _ := g.filterAll(state, other)
		return len(feasible)
	}
	if tryOther() != 0 {
		t.Error("another pod gets what the second member is to have")
	}
	g.clock = g.clock.Add(2 * time.Minute)
	if tryOther() != 1 {
		t.Error("the plan has ended, and another pod does not get its places")
	}
}

// A group that does not fit holds nothing, says how many of it would, and is asked again when
// something has changed.
func TestGroupThatDoesNotFit(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1"), newPod("gang-2")}
	objects := append(gpuClaims(2, "gang-0", "gang-1", "gang-2", "other"), publish("a", fourGPUs()...))
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, objects...)
	const want = "refused: 2 of the 3 pods that PodGroup gang starts together have a place; " +
		"free devices and hosts have room for 2 of 3: they wait for devices to be released"
	for _, pod := range pods {
		if got := g.placeMember(pod); got != want {
			t.Errorf("%s: got  %q\nwant %q", pod.Name, got, want)
		}
	}
	if len(g.activated) != 2 {
		t.Errorf("%d pods are tried at once, want the two that were not told yet", len(g.activated))
	}
	state, _, status := g.groupCycle(pods[0])
	if status.Code() != fwk.UnschedulableAndUnresolvable {
		t.Errorf("status %v: pods may be ended for a group that does not start even so", status.Code())
	}
	if shortfall := groupcycle.GroupOf(state).Shortfall(); shortfall == nil || shortfall.Fit != 2 {
		t.Errorf("shortfall %+v, want 2 that fit", shortfall)
	}
	nobody := framework.NewDefaultNodeToStatus()
	result, status := g.PostFilter(context.Background(), state, pods[0], nobody)
	if status.Code() != fwk.Unschedulable {
		t.Errorf("PostFilter: %v, want the group's own plugin to go on", status)
	}
	if result.Mode() != fwk.ModeOverride || result.NominatedNodeName != "" {
		t.Errorf("PostFilter: %+v, want no nomination to be left", result)
	}
	other := newPod("other")
	if feasible, _ := g.filterAll(g.preFilter(other), other); len(feasible) != 1 {
		t.Error("the group holds something")
	}
	g.group.MinMember = 2
	if got := g.placeMember(pods[0]); got != "a" {
		t.Errorf("two of three suffice: %s", got)
	}
}

// The members of a group of Kubernetes' own come in one cycle: none is to be tried at once to be told what the
// group lacks. If one does not get its place, the group is planned anew without.
func TestGroupOfOneCycle(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := slices.Concat(gpuClaims(4, "gang-0", "gang-1"), []runtime.Object{
		publish("a", fourGPUs()...), publish("b", fourGPUs()...), publish("c", fourGPUs()...),
	})
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b"), hostNode("c")}, pods, objects...)
	g.group.OneCycle = true
	var planned []string
	for range 2 {
		state, result, status := g.groupCycle(pods[0])
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		planned = append(planned, strings.Join(result.NodeNames.UnsortedList(), " "))
		refused := groupcycle.GroupOf(state).TakeRefused()
		if refused == nil {
			t.Fatal("nobody would hear of it if the pod were refused")
		}
		want := "node " + planned[len(planned)-1] + " was planned for this pod of its group and is refused: the group is planned anew without it"
		if got := refused(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if len(g.activated) != len(planned) {
			t.Fatal("the group is not tried again at once")
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, planned); diff != "" {
		t.Errorf("planned nodes (-want +got):\n%s", diff)
	}
	large := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, objects...)
	large.group.OneCycle = true
	if _, _, status := large.groupCycle(pods[0]); status.IsSuccess() || len(large.activated) > 0 {
		t.Errorf("on one node: status %v, %d pods are tried at once", status, len(large.activated))
	}
}

// Nodes that other plugins refuse are left out when the group is planned anew; in the end its
// pods are placed one by one.
func TestRefusedPlaceIsPlannedAnew(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := slices.Concat(gpuClaims(4, "gang-0", "gang-1"), []runtime.Object{
		publish("a", fourGPUs()...), publish("b", fourGPUs()...), publish("c", fourGPUs()...),
	})
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b"), hostNode("c")}, pods, objects...)
	var planned []string
	for range 3 {
		state, result, status := g.groupCycle(pods[0])
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		planned = append(planned, strings.Join(result.NodeNames.UnsortedList(), " "))
		if len(result.NodeNames) > 1 {
			break
		}
		_, status = g.PostFilter(context.Background(), state, pods[0], framework.NewDefaultNodeToStatus())
		if status.Code() != fwk.UnschedulableAndUnresolvable {
			t.Fatal(status)
		}
		if len(g.activated) != len(planned) {
			t.Fatal("the pod is not tried again at once")
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, planned[:2]); diff != "" {
		t.Errorf("planned nodes (-want +got):\n%s", diff)
	}
	if len(strings.Fields(planned[2])) != 3 {
		t.Errorf("after two refusals there is room for one only, and %q is asked: want all nodes", planned[2])
	}
}

// Claims of a template that are not made yet are read from those that are.
func TestGroupBeforeAllClaimsAreMade(t *testing.T) {
	template := func(pod *v1.Pod) {
		pod.Spec.ResourceClaims[0].ResourceClaimName = nil
		pod.Spec.ResourceClaims[0].ResourceClaimTemplateName = ptr.To("template")
		pod.Status.ResourceClaimStatuses = []v1.PodResourceClaimStatus{{Name: "devices", ResourceClaimName: ptr.To(pod.Name)}}
	}
	unmade := func(pod *v1.Pod) { pod.Status.ResourceClaimStatuses = nil }
	pods := []*v1.Pod{newPod("gang-0", template), newPod("gang-1", template, unmade)}
	made := newClaim("gang-0", gpuClass, 4)
	made.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "Pod", Name: pods[0].Name, UID: pods[0].UID, Controller: ptr.To(true)},
	}
	g := newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b")}, pods,
		append([]runtime.Object{made}, publish("a", fourGPUs()...), publish("b", fourGPUs()...))...)
	if got := g.placeMember(pods[0]); got != "a" {
		t.Fatal(got)
	}
	if place, _ := g.plans.standingOf(g.group.Key, pods[1], 1); place == nil || place.node != "b" {
		t.Errorf("the second member's place is %+v, want one on b", place)
	}
	other := pods[1].DeepCopy()
	other.Spec.ResourceClaims[0].ResourceClaimTemplateName = ptr.To("another")
	pods[1] = other
	g = newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b")}, pods, made, publish("a", fourGPUs()...), publish("b", fourGPUs()...))
	const want = "refused: 0 of the 2 pods that PodGroup gang starts together have a place; " +
		"it waits for the ResourceClaims of pod gang-1, which are not made yet"
	if got := g.placeMember(pods[0]); got != want {
		t.Errorf("got %q", got)
	}
	g.group.MinMember = 1
	if got := g.placeMember(pods[0]); got != "a" {
		t.Errorf("one pod can start the group, and has its claim: %q", got)
	}
}

// A pod of a group that is being deleted has no place: the others hold nothing until there is another.
func TestGroupWithAPodOnItsWayOut(t *testing.T) {
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	g := newFakeGroup(t, []*v1.Node{hostNode("a")}, pods, append(gpuClaims(1, "gang-0", "gang-1"), publish("a", fourGPUs()...))...)
	g.group.Pending = pods[:1]
	const want = "refused: 0 of the 2 pods that PodGroup gang starts together have a place; " +
		"it has 1 of the 2 pods that are still to be placed: the others are being deleted"
	if got := g.placeMember(pods[0]); got != want {
		t.Errorf("got %q", got)
	}
	if held := g.plans.heldFor(types.NamespacedName{}, "", 0); len(held) > 0 {
		t.Errorf("the group holds %v", held)
	}
	g.group.Pending = pods
	if diff := cmp.Diff([]string{"a", "a"}, g.placeAll(pods)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

// Members are in one domain of a required level, those that come later in that of the first;
// a level of which no node has the label is said.
func TestGroupKeepsToALevel(t *testing.T) {
	rack := groupcycle.RackLabel
	nodes := []*v1.Node{hostNode("a", rack, "1"), hostNode("b", rack, "2"), hostNode("c", rack, "2")}
	pods := []*v1.Pod{newPod("gang-0"), newPod("gang-1")}
	objects := slices.Concat(gpuClaims(4, "gang-0", "gang-1"), []runtime.Object{
		publish("a", fourGPUs()...), publish("b", fourGPUs()...), publish("c", fourGPUs()...),
	})
	required := groupcycle.Constraints{Levels: []groupcycle.Level{{Name: groupcycle.Rack, Required: true}}}
	g := newFakeGroup(t, nodes, pods, objects...)
	g.group.Constraints = required
	if diff := cmp.Diff([]string{"b", "c"}, g.placeAll(pods)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}

	g = newFakeGroup(t, nodes, pods, objects...)
	g.group.Constraints = required
	g.placeMember(pods[0])
	g.plans.dropPlan(g.group.Key)
	if got := g.placeMember(pods[1]); got != "c" {
		t.Errorf("the second member is on %s, want c, in the rack of the first", got)
	}

	g = newFakeGroup(t, []*v1.Node{hostNode("a"), hostNode("b"), hostNode("c")}, pods, objects...)
	g.group.Constraints = required
	if got := g.placeMember(pods[0]); !strings.Contains(got, "no node with GPUs has label topology.kubernetes.io/rack") {
		t.Errorf("got %q", got)
	}

	nodes[2].Labels[rack] = "3"
	g = newFakeGroup(t, nodes, pods, objects...)
	g.group.Constraints = required
	if got := g.placeMember(pods[0]); !strings.Contains(got, "all have one, but not in one rack") {
		t.Errorf("got %q", got)
	}
}
