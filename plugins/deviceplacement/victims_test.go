package deviceplacement

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/preemption"
)

// losable is a pod on a node that has GPUs of it, and what would be lost with it.
type losable struct {
	name, node string
	lost       int64
	devices    []string
	change     []func(*v1.Pod)
}

// needing has a pod ask for CPU.
func needing(cpu string) func(*v1.Pod) {
	return func(pod *v1.Pod) {
		pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}
	}
}

// ofPriority gives a pod a priority.
func ofPriority(priority int32) func(*v1.Pod) {
	return func(pod *v1.Pod) { pod.Spec.Priority = &priority }
}

// inGroup makes a pod a member of a group.
func inGroup(name string) func(*v1.Pod) {
	return func(pod *v1.Pod) { pod.Labels = map[string]string{v1alpha1.PodGroupLabel: name} }
}

// searchVictims asks whom to end for a pod of priority 10 that asks for so many GPUs.
func searchVictims(
	t *testing.T, gpus int64, change func(*v1.Pod), nodes []string, pods []losable, budgets ...*policy.PodDisruptionBudget,
) *preemption.VictimChoice {
	t.Helper()
	objects := []runtime.Object{newClaim("pod", gpuClass, gpus)}
	var hosts []*v1.Node
	for _, node := range nodes {
		hosts = append(hosts, hostNode(node))
		objects = append(objects, publish(node, wholeGPU(0, "X NV4"), wholeGPU(1, "NV4 X")))
	}
	lost := map[string]int64{}
	var bound []*v1.Pod
	shared := map[string]*resourceapi.ResourceClaim{}
	for _, one := range pods {
		pod := newPod(one.name, slices.Concat([]func(*v1.Pod){on(one.node)}, one.change)...)
		bound = append(bound, pod)
		lost[one.name] = one.lost
		if len(one.devices) == 0 {
			pod.Spec.ResourceClaims = nil
			continue
		}
		claim := *pod.Spec.ResourceClaims[0].ResourceClaimName
		user := resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod.Name, UID: pod.UID}
		if known := shared[claim]; known != nil {
			known.Status.ReservedFor = append(known.Status.ReservedFor, user)
			continue
		}
		shared[claim] = held(one.node, newClaim(claim, gpuClass, 1), one.devices...)
		shared[claim].Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{user}
		objects = append(objects, shared[claim])
	}
	s := newFakeScheduler(t, defaultArgs(), hosts, objects...)
	for _, pod := range bound {
		for _, node := range s.nodes {
			if node.Node().Name == pod.Spec.NodeName {
				node.AddPodInfo(podInfo(t, pod))
			}
		}
	}
	pod := newPod("pod", ofPriority(10))
	if change != nil {
		change(pod)
	}
	search := &victimSearch{plugin: s.Plugin, cycle: cycleOf(s.preFilter(pod)).Cycle, pod: pod, listed: sets.New[types.UID]()}
	return search.chooseVictims(&preemption.VictimQuery{
		Nodes: s.nodes, Budgets: budgets, LostWith: func(pod *v1.Pod) int64 { return lost[pod.Name] },
	})
}

// Whom to end is chosen over all nodes, by who has which devices, ends with whom, and is protected.
func TestVictimSearch(t *testing.T) {
	both := []string{"gpu-0", "gpu-1"}
	claiming := func(claim string) func(*v1.Pod) {
		return func(pod *v1.Pod) { pod.Spec.ResourceClaims[0].ResourceClaimName = &claim }
	}
	guarded := func(pod *v1.Pod) { pod.Labels = map[string]string{"app": "guarded"} }
	budget := &policy.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "budget"}}
	budget.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}
	for name, tc := range map[string]struct {
		gpus    int64
		change  func(*v1.Pod)
		pods    []losable
		budgets []*policy.PodDisruptionBudget
		want    []string // the node, and who ends
	}{
		"the least is lost": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 9, devices: both}, {name: "b", node: "b", lost: 8, devices: both},
		}, want: []string{"b", "b"}},
		"of two on a node one suffices": {gpus: 1, pods: []losable{
			{name: "a", node: "a", lost: 9, devices: both}, {name: "b", node: "b", lost: 5, devices: both[:1]},
			{name: "c", node: "b", lost: 6, devices: both[1:]},
		}, want: []string{"b", "b"}},
		"nobody is of lower priority": {gpus: 2, pods: []losable{
			{name: "a", node: "a", devices: both, change: []func(*v1.Pod){ofPriority(10)}},
			{name: "b", node: "b", devices: both, change: []func(*v1.Pod){ofPriority(20)}},
		}},
		"a gang ends as one": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both[:1], change: []func(*v1.Pod){inGroup("gang")}},
			{name: "b", node: "a", lost: 1, devices: both[1:], change: []func(*v1.Pod){inGroup("gang")}},
			{name: "c", node: "b", lost: 9, devices: both[:1], change: []func(*v1.Pod){inGroup("gang")}},
			{name: "d", node: "b", lost: 8, devices: both[1:]},
		}, want: []string{"a", "a", "b", "c"}},
		"a claim of a pod that stays": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both, change: []func(*v1.Pod){claiming("shared")}},
			{name: "b", node: "a", devices: both, change: []func(*v1.Pod){claiming("shared"), ofPriority(20)}},
			{name: "c", node: "b", lost: 9, devices: both},
		}, want: []string{"b", "c"}},
		"a budget": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both, change: []func(*v1.Pod){guarded}}, {name: "b", node: "b", lost: 9, devices: both},
		}, budgets: []*policy.PodDisruptionBudget{budget}, want: []string{"b", "b"}},
		"a budget that does not hold it up": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both, change: []func(*v1.Pod){guarded}},
		}, budgets: []*policy.PodDisruptionBudget{budget}, want: []string{"a", "a"}},
		"lower priorities first": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both, change: []func(*v1.Pod){ofPriority(5)}}, {name: "b", node: "b", lost: 9, devices: both},
		}, want: []string{"b", "b"}},
		"a node with too little CPU even then": {gpus: 1, change: needing("20"), pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both[:1], change: []func(*v1.Pod){needing("2")}},
			{name: "stays", node: "a", devices: both[1:], change: []func(*v1.Pod){needing("20"), ofPriority(20)}},
			{name: "b", node: "b", lost: 9, devices: both, change: []func(*v1.Pod){needing("20")}},
		}, want: []string{"b", "b"}},
		"a node whose CPU pods without devices have": {gpus: 1, change: needing("20"), pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both},
			{name: "without", node: "b", change: []func(*v1.Pod){needing("20")}},
		}},
		"a member of a PodGroup of Kubernetes' own": {gpus: 2, pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both, change: []func(*v1.Pod){
				func(pod *v1.Pod) { pod.Spec.SchedulingGroup = &v1.PodSchedulingGroup{PodGroupName: &pod.Name} },
			}},
		}},
		"a node that it does not tolerate": {gpus: 2, change: onlyOn("b"), pods: []losable{
			{name: "a", node: "a", lost: 1, devices: both}, {name: "b", node: "b", lost: 9, devices: both},
		}, want: []string{"b", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			choice := searchVictims(t, tc.gpus, tc.change, []string{"a", "b"}, tc.pods, tc.budgets...)
			var got []string
			if choice != nil {
				for uid := range choice.Victims {
					got = append(got, string(uid)[len("pod-"):])
				}
				slices.Sort(got)
				got = append([]string{choice.Node}, got...)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("node and victims (-want +got):\n%s", diff)
			}
		})
	}
}

// The best node may be the one whose cheapest pod is the dearest of all cheapest ones: no node is left out because of
// one pod on it.
func TestVictimSearchOverManyNodes(t *testing.T) {
	var nodes []string
	var pods []losable
	for i := range 80 {
		node := fmt.Sprintf("node-%02d", i)
		nodes = append(nodes, node)
		cheap, dear := int64(1), int64(1000)
		if i == 77 {
			cheap, dear = 10, 10
		}
		pods = append(pods, losable{name: "cheap-" + node, node: node, lost: cheap, devices: []string{"gpu-0"}},
			losable{name: "dear-" + node, node: node, lost: dear, devices: []string{"gpu-1"}})
	}
	choice := searchVictims(t, 2, nil, nodes, pods)
	if choice == nil || choice.Node != "node-77" || !choice.Victims.HasAll(types.UID("pod-cheap-node-77"), types.UID("pod-dear-node-77")) {
		t.Errorf("got %+v, want both pods of node-77", choice)
	}
}
