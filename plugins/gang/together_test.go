package gang

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
)

// PreFilter says which members have a node and which are to be placed, and what they share.
func TestPreFilterTellsOfTheGroup(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addGroup("gang", func(group *v1alpha1.PodGroup) {
		minMember(3)(group)
		group.Annotations = map[string]string{groupcycle.RequiredTopologyAnnotation: "rack"}
	})
	members := s.addMembers("gang", 7)
	members[4].Spec.SchedulingGates = []v1.PodSchedulingGate{{Name: "later"}}
	members[5].DeletionTimestamp = &metav1.Time{Time: noon}
	members[6].Spec.NodeName = "bound" // of which the ledger has not heard
	s.permit(members[1])
	cycle := framework.NewCycleState()
	if _, status := s.PreFilter(context.Background(), cycle, members[0], nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	group := groupcycle.GroupOf(cycle)
	if group == nil {
		t.Fatal("nothing is said of the group")
	}
	names := func(pods []*v1.Pod) (names []string) {
		for _, pod := range pods {
			names = append(names, pod.Name)
		}
		slices.Sort(names)
		return names
	}
	if diff := cmp.Diff([]string{"gang-0", "gang-2", "gang-3"}, names(group.Pending)); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gang-1", "gang-6"}, names(group.Assigned)); diff != "" {
		t.Errorf("assigned (-want +got):\n%s", diff)
	}
	want := groupcycle.Constraints{Levels: []groupcycle.Level{{Name: groupcycle.Rack, Required: true}}}
	if diff := cmp.Diff(want, group.Constraints); diff != "" || group.Needed() != 1 || group.Timeout != defaultPermitTimeout {
		t.Errorf("needs %d within %s; constraints (-want +got):\n%s", group.Needed(), group.Timeout, diff)
	}
}

// An annotation that cannot be read keeps the group from starting, and says why.
func TestPreFilterRefusesUnknownLevel(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addGroup("gang", minMember(1))
	pod := s.addMembers("gang", 1)[0]
	pod.Annotations = map[string]string{groupcycle.PreferredTopologyAnnotation: "row"}
	_, status := s.PreFilter(context.Background(), framework.NewCycleState(), pod, nil)
	const want = `pod gang-0 has annotation ashlar.dev/preferred-topology: "row": "row" is no level: it may be clique, rack, zone, or the key`
	if status.Code() != fwk.UnschedulableAndUnresolvable || !strings.HasPrefix(status.Message(), want) {
		t.Errorf("got  %v\nwant %s", status, want)
	}
}

// A member without which the group starts takes nobody's place when it fits nowhere.
func TestPostFilterOfSparedMember(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addGroup("gang", minMember(2))
	members := s.addMembers("gang", 3)
	s.permit(members[0])
	cycle := framework.NewCycleState()
	if _, status := s.PreFilter(context.Background(), cycle, members[1], nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	groupcycle.GroupOf(cycle).NoteSpared()
	s.PostFilter(context.Background(), cycle, members[1], framework.NewDefaultNodeToStatus())
	if got := s.handle.waiting[0]; got.outcome != "" {
		t.Errorf("the member that waits is %s: %s", got.outcome, got.because)
	}
}

// What the plugin that places devices found out about all members is what all are told.
func TestPostFilterSaysWhatTheGroupLacks(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addGroup("gang", minMember(4))
	members := s.addMembers("gang", 4)
	cycle := framework.NewCycleState()
	if _, status := s.PreFilter(context.Background(), cycle, members[0], nil); !status.IsSuccess() {
		t.Fatal(status)
	}
	groupcycle.GroupOf(cycle).NoteShortfall(groupcycle.Shortfall{Fit: 3, Because: "there is no room"})
	_, status := s.PostFilter(context.Background(), cycle, members[0], busyNodes(s, 1))
	const want = "3 of the 4 pods that PodGroup gang starts together have a place"
	if status.Message() != want {
		t.Errorf("got %q, want %q", status.Message(), want)
	}
	if diff := cmp.Diff([]string{"Warning Unschedulable " + want + "; there is no room"}, s.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	key := groupKey{Namespace: space, Name: "gang"}
	if s.ledger.lastFailure(key).IsZero() {
		t.Error("nothing wakes the group: its failure is not noted")
	}
}

// Members that wait for one that was deleted give their nodes back at once.
func TestDeletedMemberReleasesTheOthers(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addGroup("gang", minMember(3))
	members := s.addMembers("gang", 3)
	s.permit(members[0])
	s.permit(members[1])
	key := groupKey{Namespace: space, Name: "gang"}
	s.releaseIncomplete(key)
	if diff := cmp.Diff(map[string]string{"gang-0": "", "gang-1": ""}, s.outcomes()); diff != "" {
		t.Errorf("while all are there (-want +got):\n%s", diff)
	}
	if err := s.pods.GetIndexer().Delete(members[2]); err != nil {
		t.Fatal(err)
	}
	s.releaseIncomplete(key)
	if diff := cmp.Diff(map[string]string{"gang-0": "rejected", "gang-1": "rejected"}, s.outcomes()); diff != "" {
		t.Errorf("once one is gone (-want +got):\n%s", diff)
	}
}
