package gang

import (
	"context"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/clock"
	"sigs.k8s.io/scheduler-plugins/apis/config"
)

// Members that another process gave a node count, those that are gone do not.
func TestFollowAssignedPods(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	bound, waiting, alone := memberPod("bound", "gang"), memberPod("waiting", "gang"), memberPod("alone", "")
	bound.Spec.NodeName, alone.Spec.NodeName = "node", "node"
	client := fake.NewClientset(bound, waiting, alone)
	handle := &fakeHandle{informers: informers.NewSharedInformerFactory(client, 0)}
	plugin, err := newPlugin(&config.CoschedulingArgs{}, handle, failingGroups{}, clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	handle.informers.Start(ctx.Done())
	handle.informers.WaitForCacheSync(ctx.Done())

	gang := groupKey{Namespace: space, Name: "gang"}
	until := func(what string, want int) {
		t.Helper()
		for plugin.ledger.assignedMembers(gang) != want {
			if ctx.Err() != nil {
				t.Fatalf("%s: got %d members with a node, want %d", what, plugin.ledger.assignedMembers(gang), want)
			}
			time.Sleep(time.Millisecond)
		}
	}
	until("at the start", 1)
	waiting.Spec.NodeName = "node"
	if _, err := client.CoreV1().Pods(space).Update(ctx, waiting, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("bound by another process", 2)
	if err := client.CoreV1().Pods(space).Delete(ctx, "bound", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until("deleted", 1)
}

func TestListMembers(t *testing.T) {
	s := newFakeScheduler(t, config.CoschedulingArgs{})
	s.addMembers("gang", 2)
	s.addMembers("other", 1)
	elsewhere := memberPod("gang-9", "gang")
	elsewhere.Namespace = "elsewhere"
	for _, pod := range []*v1.Pod{elsewhere, memberPod("alone", "")} {
		if err := s.pods.GetIndexer().Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	members, err := s.members.listMembers(groupKey{Namespace: space, Name: "gang"})
	if err != nil {
		t.Fatal(err)
	}
	if len(members) != 2 {
		t.Errorf("got %d members, want 2", len(members))
	}
}

// The plugins of two profiles share one informer of pods.
func TestTwoProfilesShareTheIndex(t *testing.T) {
	handle := &fakeHandle{informers: informers.NewSharedInformerFactory(fake.NewClientset(), 0)}
	for range 2 {
		if _, err := newPlugin(&config.CoschedulingArgs{}, handle, failingGroups{}, clock.RealClock{}); err != nil {
			t.Fatal(err)
		}
	}
}
