package gang

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// groupHandle has a scheduler's snapshot with PodGroups of Kubernetes' own.
type groupHandle struct {
	fwk.Handle
	snapshot *cache.Snapshot
}

func (h *groupHandle) SnapshotSharedLister() fwk.SharedLister { return h.snapshot }

// nativeGroup is a PodGroup that needs so many pods together, none for one whose pods come one by one.
func nativeGroup(minCount int32, annotations map[string]string) *schedulingv1beta1.PodGroup {
	group := &schedulingv1beta1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "native", Annotations: annotations}}
	if minCount > 0 {
		group.Spec.SchedulingPolicy.Gang = &schedulingv1beta1.GangSchedulingPolicy{MinCount: minCount}
	} else {
		group.Spec.SchedulingPolicy.Basic = &schedulingv1beta1.BasicSchedulingPolicy{}
	}
	return group
}

func nativeMember(name string, change ...func(*v1.Pod)) *v1.Pod {
	group := "native"
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID(name)}}
	pod.Spec.SchedulingGroup = &v1.PodSchedulingGroup{PodGroupName: &group}
	for _, c := range change {
		c(pod)
	}
	return pod
}

// nativeCycle is the plugin beside a group of Kubernetes' own, and the state of a placement of the group.
func nativeCycle(t *testing.T, group *schedulingv1beta1.PodGroup, pods ...*v1.Pod) (*Plugin, *framework.CycleState) {
	t.Helper()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.GenericWorkload, true)
	var groups []*schedulingv1beta1.PodGroup
	if group != nil {
		groups = append(groups, group)
	}
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
	plugin := &Plugin{
		handle:                &groupHandle{snapshot: cache.NewTestSnapshotWithPodGroups(pods, []*v1.Node{node}, groups)},
		leaveSchedulingGroups: true,
	}
	placement := framework.NewCycleState()
	placement.SetPodGroupSchedulingCycle(framework.NewCycleState())
	return plugin, placement
}

// memberCycle is the state of a member's turn in a placement.
func memberCycle(placement *framework.CycleState) *framework.CycleState {
	state := framework.NewCycleState()
	state.SetPodGroupSchedulingCycle(placement.GetPodGroupSchedulingCycle())
	state.SetPlacementCycleState(placement)
	return state
}

// The plugin that places devices is told of a group of Kubernetes' own.
func TestSchedulingGroupIsNoted(t *testing.T) {
	gated := func(pod *v1.Pod) { pod.Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "example.com/later"}} }
	bound := func(pod *v1.Pod) { pod.Spec.NodeName = "n" }
	for name, tc := range map[string]struct {
		group             *schedulingv1beta1.PodGroup
		pods              []*v1.Pod
		pending, assigned []string
		refused           string
	}{
		"all wait": {
			group: nativeGroup(2, nil), pods: []*v1.Pod{nativeMember("b"), nativeMember("a")}, pending: []string{"a", "b"},
		},
		"one runs, one is held back": {
			group: nativeGroup(2, nil), pods: []*v1.Pod{nativeMember("a"), nativeMember("b", bound), nativeMember("c", gated)},
			pending: []string{"a"}, assigned: []string{"b"},
		},
		"they need not start together": {group: nativeGroup(0, nil), pods: []*v1.Pod{nativeMember("a")}},
		"it is not there":              {pods: []*v1.Pod{nativeMember("a")}},
		"a wrong annotation": {
			group: nativeGroup(1, map[string]string{groupcycle.SameAnnotation: "gpu"}), pods: []*v1.Pod{nativeMember("a")},
			refused: `PodGroup default/native has annotation ashlar.dev/same: "gpu"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, placement := nativeCycle(t, tc.group, tc.pods...)
			first, second := memberCycle(placement), memberCycle(placement)
			_, status := plugin.PreFilter(context.Background(), first, tc.pods[0], nil)
			if tc.refused != "" {
				if !strings.Contains(status.Message(), tc.refused) {
					t.Errorf("status %q, want %q in it", status.Message(), tc.refused)
				}
				return
			}
			if !status.IsSuccess() {
				t.Fatal(status)
			}
			group := groupcycle.GroupOf(first)
			if tc.pending == nil {
				if group != nil {
					t.Errorf("group %+v, want none", group)
				}
				return
			}
			var pending, assigned []string
			for _, pod := range group.Pending {
				pending = append(pending, pod.Name)
			}
			for _, pod := range group.Assigned {
				assigned = append(assigned, pod.Name)
			}
			if diff := cmp.Diff([][]string{tc.pending, tc.assigned}, [][]string{pending, assigned}); diff != "" {
				t.Errorf("pods that wait and that run (-want +got):\n%s", diff)
			}
			_, status = plugin.PreFilter(context.Background(), second, tc.pods[0], nil)
			if !status.IsSuccess() || groupcycle.GroupOf(second) != group {
				t.Error("the next member is told of another group")
			}
		})
	}
}

// The PodGroup is told what it lacks.
func TestSchedulingGroupIsTold(t *testing.T) {
	pods := []*v1.Pod{nativeMember("a"), nativeMember("b")}
	plugin, placement := nativeCycle(t, nativeGroup(2, nil), pods...)
	state := memberCycle(placement)
	if _, status := plugin.PreFilter(context.Background(), state, pods[0], nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	root := placement.GetPodGroupSchedulingCycle()
	_, status := plugin.PodGroupPostFilter(context.Background(), root, nil, nil)
	if status.Code() != fwk.Unschedulable || status.Message() != "" {
		t.Errorf("nothing is known: status %v %q", status.Code(), status.Message())
	}
	groupcycle.GroupOf(state).NoteShortfall(groupcycle.Shortfall{Fit: 1, Because: "no node has room for b"})
	const want = "1 of the 2 pods that PodGroup native starts together have a place; no node has room for b"
	_, status = plugin.PodGroupPostFilter(context.Background(), root, nil, nil)
	if status.Code() != fwk.UnschedulableAndUnresolvable || status.Message() != want {
		t.Errorf("status %v %q, want %q", status.Code(), status.Message(), want)
	}
}

// A group of which a member does not get its place is planned anew: when the next member comes, when the cycle has
// failed, or, if it did without that member, when the next group comes.
func TestRefusedMemberOfSchedulingGroup(t *testing.T) {
	for name, tc := range map[string]struct {
		then func(*Plugin, *framework.CycleState, *v1.Pod)
		want int
	}{
		"the next member comes": {func(p *Plugin, placement *framework.CycleState, next *v1.Pod) {
			p.PreFilter(context.Background(), memberCycle(placement), next, nil)
		}, 1},
		"the cycle has failed": {func(p *Plugin, placement *framework.CycleState, _ *v1.Pod) {
			p.PodGroupPostFilter(context.Background(), placement.GetPodGroupSchedulingCycle(), nil, nil)
		}, 1},
		"another cycle begins": {func(p *Plugin, _ *framework.CycleState, next *v1.Pod) {
			placement := framework.NewCycleState()
			placement.SetPodGroupSchedulingCycle(framework.NewCycleState())
			p.PreFilter(context.Background(), memberCycle(placement), next, nil)
		}, 1},
		"it has its place": {func(p *Plugin, placement *framework.CycleState, next *v1.Pod) {
			groupcycle.GroupOf(placement).NoteArrived(next)
			p.PreFilter(context.Background(), memberCycle(placement), next, nil)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			pods := []*v1.Pod{nativeMember("a"), nativeMember("b")}
			plugin, placement := nativeCycle(t, nativeGroup(2, nil), pods...)
			state := memberCycle(placement)
			if _, status := plugin.PreFilter(context.Background(), state, pods[0], nil); !status.IsSuccess() {
				t.Fatal(status)
			}
			planned := 0
			groupcycle.GroupOf(state).NoteSent(func() string {
				planned++
				return ""
			})
			tc.then(plugin, placement, pods[1])
			tc.then(plugin, placement, pods[1])
			if planned != tc.want {
				t.Errorf("planned anew %d times, want %d", planned, tc.want)
			}
		})
	}
}
