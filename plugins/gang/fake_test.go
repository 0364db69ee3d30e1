package gang

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
	grouplisters "sigs.k8s.io/scheduler-plugins/pkg/generated/listers/scheduling/v1alpha1"
)

const space = "default"

// noon is when the tests begin.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// fakeHandle is what the plugin uses of the scheduler. A call of anything else panics.
type fakeHandle struct {
	fwk.Handle
	informers informers.SharedInformerFactory
	waiting   []*fakeWaitingPod
	nodes     []fwk.NodeInfo
	recorder  *events.FakeRecorder
	activated map[string]*v1.Pod
}

func (h *fakeHandle) EventRecorder() events.EventRecorderLogger { return h.recorder }

func (h *fakeHandle) Activate(_ klog.Logger, pods map[string]*v1.Pod) { h.activated = pods }

func (h *fakeHandle) SharedInformerFactory() informers.SharedInformerFactory { return h.informers }

func (h *fakeHandle) SnapshotSharedLister() fwk.SharedLister { return fakeSnapshot{nodes: h.nodes} }

func (h *fakeHandle) IterateOverWaitingPods(visit func(fwk.WaitingPod)) {
	for _, waiting := range h.waiting {
		if waiting.outcome == "" {
			visit(waiting)
		}
	}
}

type fakeSnapshot struct {
	fwk.SharedLister
	nodes []fwk.NodeInfo
}

func (s fakeSnapshot) NodeInfos() fwk.NodeInfoLister { return fakeNodes{nodes: s.nodes} }

type fakeNodes struct {
	fwk.NodeInfoLister
	nodes []fwk.NodeInfo
}

func (n fakeNodes) List() ([]fwk.NodeInfo, error) { return n.nodes, nil }

// fakeWaitingPod is a pod at Permit with what became of it: "allowed", "rejected" or
// nothing yet.
type fakeWaitingPod struct {
	fwk.WaitingPod
	pod     *v1.Pod
	outcome string
	because string
}

func (w *fakeWaitingPod) GetPod() *v1.Pod { return w.pod }

func (w *fakeWaitingPod) Allow(string) { w.outcome = "allowed" }

func (w *fakeWaitingPod) Reject(_, because string) bool {
	w.outcome, w.because = "rejected", because
	return true
}

// fakeScheduler is a plugin in a scheduler that the test plays.
type fakeScheduler struct {
	*Plugin
	t      *testing.T
	handle *fakeHandle
	clock  *clocktesting.FakePassiveClock
	groups cache.Indexer
	pods   cache.SharedIndexInformer
}

func newFakeScheduler(t *testing.T, args config.CoschedulingArgs) *fakeScheduler {
	t.Helper()
	handle := &fakeHandle{recorder: events.NewFakeRecorder(100), informers: informers.NewSharedInformerFactory(fake.NewClientset(), 0)}
	groups := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	clock := clocktesting.NewFakePassiveClock(noon)
	plugin, err := newPlugin(&args, handle, grouplisters.NewPodGroupLister(groups), clock)
	if err != nil {
		t.Fatal(err)
	}
	pods := handle.informers.Core().V1().Pods().Informer()
	return &fakeScheduler{Plugin: plugin, t: t, handle: handle, clock: clock, groups: groups, pods: pods}
}

func (s *fakeScheduler) addGroup(name string, change func(*v1alpha1.PodGroup)) *v1alpha1.PodGroup {
	s.t.Helper()
	made := metav1.NewTime(noon.Add(-time.Hour))
	group := &v1alpha1.PodGroup{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, CreationTimestamp: made}}
	if change != nil {
		change(group)
	}
	if err := s.groups.Add(group); err != nil {
		s.t.Fatal(err)
	}
	return group
}

// addMembers adds pods of the group, named after it, from the first number on.
func (s *fakeScheduler) addMembers(group string, count int) []*v1.Pod {
	s.t.Helper()
	var pods []*v1.Pod
	for i := range count {
		pod := memberPod(fmt.Sprintf("%s-%d", group, i), group)
		if err := s.pods.GetIndexer().Add(pod); err != nil {
			s.t.Fatal(err)
		}
		pods = append(pods, pod)
	}
	return pods
}

// permit sends a pod to Permit; one that must wait is then among the waiting pods.
func (s *fakeScheduler) permit(pod *v1.Pod) (*fwk.Status, time.Duration, map[string]*v1.Pod) {
	s.t.Helper()
	state := framework.NewCycleState()
	activated := framework.NewPodsToActivate()
	state.Write(framework.PodsToActivateKey, activated)
	status, timeout := s.Permit(context.Background(), state, pod, "node")
	if status.IsWait() {
		s.handle.waiting = append(s.handle.waiting, &fakeWaitingPod{pod: pod})
	}
	return status, timeout, activated.Map
}

// events are those that were sent so far.
func (s *fakeScheduler) events() []string {
	var sent []string
	for {
		select {
		case event := <-s.handle.recorder.Events:
			sent = append(sent, event)
		default:
			return sent
		}
	}
}

// outcomes is what became of the pods at Permit, by name.
func (s *fakeScheduler) outcomes() map[string]string {
	found := map[string]string{}
	for _, waiting := range s.handle.waiting {
		found[waiting.pod.Name] = waiting.outcome
	}
	return found
}

func memberPod(name, group string) *v1.Pod {
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID(name)}}
	if group != "" {
		pod.Labels = map[string]string{v1alpha1.PodGroupLabel: group}
	}
	return pod
}

func minMember(count int32) func(*v1alpha1.PodGroup) {
	return func(group *v1alpha1.PodGroup) { group.Spec.MinMember = count }
}

// failingGroups is a reader whose cache cannot be read.
type failingGroups struct{ grouplisters.PodGroupLister }

// failingNamespace is what failingGroups has of one namespace.
type failingNamespace struct {
	grouplisters.PodGroupNamespaceLister
}

var errCache = errors.New("cache is broken")

func (failingGroups) PodGroups(string) grouplisters.PodGroupNamespaceLister {
	return failingNamespace{}
}

func (failingNamespace) Get(string) (*v1alpha1.PodGroup, error) { return nil, errCache }
