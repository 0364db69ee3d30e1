package gang

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// workNode has 8 CPUs, 2 GPUs and room for 10 pods, less what the pods hold.
func workNode(name string, pods ...*v1.Pod) fwk.NodeInfo {
	node := framework.NewNodeInfo(pods...)
	node.SetNode(&v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: v1.NodeStatus{Allocatable: v1.ResourceList{
			v1.ResourceCPU: resource.MustParse("8"), v1.ResourceMemory: resource.MustParse("16Gi"),
			v1.ResourcePods: resource.MustParse("10"), "nvidia.com/gpu": resource.MustParse("2"),
		}},
	})
	return node
}

func cpuPod(name, group, cpu string) *v1.Pod {
	pod := memberPod(name, group)
	requests := v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}
	pod.Spec.Containers = []v1.Container{{Resources: v1.ResourceRequirements{Requests: requests}}}
	return pod
}

func TestPreFilter(t *testing.T) {
	gang := groupKey{Namespace: space, Name: "gang"}
	resources := func(list v1.ResourceList) func(*fakeScheduler) {
		return func(s *fakeScheduler) {
			s.addGroup("gang", func(group *v1alpha1.PodGroup) { group.Spec.MinMember, group.Spec.MinResources = 2, list })
			s.addMembers("gang", 2)
		}
	}
	cpus := func(cpu string) func(*fakeScheduler) {
		return resources(v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)})
	}
	for name, tc := range map[string]struct {
		pod    *v1.Pod // a member of "gang" if nil
		given  func(*fakeScheduler)
		nodes  []fwk.NodeInfo
		want   fwk.Code
		reason string
	}{
		"in no group":     {pod: memberPod("pod", ""), given: func(*fakeScheduler) {}},
		"group not there": {given: func(*fakeScheduler) {}},
		"enough members":  {given: func(s *fakeScheduler) { s.addGroup("gang", minMember(3)); s.addMembers("gang", 3) }},
		"more members":    {given: func(s *fakeScheduler) { s.addGroup("gang", minMember(3)); s.addMembers("gang", 5) }},
		"too few members": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(3))
				s.addMembers("gang", 2)
				s.addMembers("other", 4)
			},
			want: fwk.UnschedulableAndUnresolvable, reason: "PodGroup default/gang has 2 of the 3 pods that it needs",
		},
		"too few without gates": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(3))
				s.addMembers("gang", 3)[0].Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "wait"}}
			},
			want:   fwk.UnschedulableAndUnresolvable,
			reason: "PodGroup default/gang has 2 of the 3 pods that it needs, not counting 1 that a scheduling gate holds back",
		},
		"too few without one that is deleted": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(3))
				s.addMembers("gang", 3)[2].DeletionTimestamp = &metav1.Time{Time: noon}
			},
			want: fwk.UnschedulableAndUnresolvable, reason: "PodGroup default/gang has 2 of the 3 pods that it needs",
		},
		"one that is deleted has a node": {given: func(s *fakeScheduler) {
			s.addGroup("gang", minMember(3))
			deleted := s.addMembers("gang", 3)[2]
			deleted.DeletionTimestamp, deleted.Spec.NodeName = &metav1.Time{Time: noon}, "a"
		}},
		"enough without gates": {given: func(s *fakeScheduler) {
			s.addGroup("gang", minMember(3))
			s.addMembers("gang", 4)[0].Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "wait"}}
		}},
		"rests": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(1))
				s.addMembers("gang", 1)
				s.ledger.restGroup(gang, time.Second)
			},
			want: fwk.UnschedulableAndUnresolvable, reason: "PodGroup default/gang was rejected a moment ago and is tried again shortly",
		},
		"rests, and what it lacks is known": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", minMember(1))
				s.addMembers("gang", 1)
				s.ledger.noteFailure(gang, "0 of the 1 pods have a place")
				s.ledger.restGroup(gang, time.Second)
			},
			want: fwk.UnschedulableAndUnresolvable, reason: "0 of the 1 pods have a place",
		},
		"has rested": {given: func(s *fakeScheduler) {
			s.addGroup("gang", minMember(1))
			s.addMembers("gang", 1)
			s.ledger.restGroup(gang, time.Second)
			s.clock.SetTime(noon.Add(time.Second))
		}},
		"resources on two nodes": {given: cpus("16"), nodes: []fwk.NodeInfo{workNode("a"), workNode("b")}},
		"resources missing": {
			given: resources(v1.ResourceList{v1.ResourceCPU: resource.MustParse("20"), "nvidia.com/gpu": resource.MustParse("7")}),
			nodes: []fwk.NodeInfo{workNode("a"), workNode("b", cpuPod("busy", "", "500m"))}, want: fwk.UnschedulableAndUnresolvable,
			reason: "PodGroup default/gang needs more than the cluster has free: it lacks cpu 4500m, nvidia.com/gpu 3",
		},
		"resources that members hold": {given: cpus("8"), nodes: []fwk.NodeInfo{workNode("a", cpuPod("gang-9", "gang", "6"))}},
		"resources that others hold": {
			given: cpus("8"), nodes: []fwk.NodeInfo{workNode("a", cpuPod("busy", "other", "6"))},
			want: fwk.UnschedulableAndUnresolvable, reason: "PodGroup default/gang needs more than the cluster has free: it lacks cpu 6",
		},
		"no room for the pods": {
			given: func(s *fakeScheduler) {
				s.addGroup("gang", func(group *v1alpha1.PodGroup) { group.Spec.MinMember, group.Spec.MinResources = 12, v1.ResourceList{} })
				s.addMembers("gang", 12)
			},
			nodes: []fwk.NodeInfo{workNode("a")}, want: fwk.UnschedulableAndUnresolvable,
			reason: "PodGroup default/gang needs more than the cluster has free: it lacks pods 2",
		},
		"resources were there": {given: func(s *fakeScheduler) { cpus("100")(s); s.ledger.admitGroup(gang, time.Minute) }},
		"unreadable groups":    {given: func(s *fakeScheduler) { s.Plugin.groups = failingGroups{} }, want: fwk.Error, reason: errCache.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeScheduler(t, config.CoschedulingArgs{})
			tc.given(s)
			s.handle.nodes = tc.nodes
			pod := tc.pod
			if pod == nil {
				pod = memberPod("gang-0", "gang")
			}
			result, status := s.PreFilter(context.Background(), framework.NewCycleState(), pod, tc.nodes)
			if result != nil {
				t.Errorf("got nodes %v, want no narrowing", result.NodeNames)
			}
			if status.Code() != tc.want {
				t.Errorf("got %s (%s), want %s", status.Code(), status.Message(), tc.want)
			}
			if diff := cmp.Diff(tc.reason, status.Message()); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

// What a group needs is asked of the cluster once for the members that follow, and again
// after a rejection.
func TestPreFilterAsksForResourcesAgainAfterRejection(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{PermitWaitingTimeSeconds: 30})
	s.addGroup("gang", func(group *v1alpha1.PodGroup) {
		group.Spec.MinMember, group.Spec.MinResources = 2, v1.ResourceList{v1.ResourceCPU: resource.MustParse("8")}
	})
	members := s.addMembers("gang", 2)
	step := func(what string, nodes []fwk.NodeInfo, want fwk.Code) {
		t.Helper()
		s.handle.nodes = nodes
		if _, status := s.PreFilter(context.Background(), framework.NewCycleState(), members[0], nodes); status.Code() != want {
			t.Errorf("%s: got %s (%s), want %s", what, status.Code(), status.Message(), want)
		}
	}
	step("room", []fwk.NodeInfo{workNode("a")}, fwk.Success)
	step("remembered", nil, fwk.Success)
	s.Unreserve(context.Background(), framework.NewCycleState(), members[0], "a")
	step("after a rejection", nil, fwk.UnschedulableAndUnresolvable)
	step("room again", []fwk.NodeInfo{workNode("a")}, fwk.Success)
	s.clock.SetTime(noon.Add(30 * time.Second))
	step("after the waiting time", nil, fwk.UnschedulableAndUnresolvable)
}
