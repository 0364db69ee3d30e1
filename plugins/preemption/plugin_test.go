package preemption

import (
	"context"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/utils/ptr"
)

// podOf is a pod of a priority, on a node unless that is "".
func podOf(name string, priority int32, node string, change ...func(*v1.Pod)) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec:       v1.PodSpec{Priority: &priority, NodeName: node, Containers: []v1.Container{{Name: "main", Image: "ubuntu"}}},
	}
	for _, c := range change {
		c(pod)
	}
	return pod
}

// newPlugin builds the plugin on a cluster of one node with some pods on it.
func newPlugin(t *testing.T, pending *v1.Pod, bound ...*v1.Pod) *Plugin {
	t.Helper()
	metrics.InitMetrics()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
	client := fake.NewClientset(pending)
	factory := informers.NewSharedInformerFactory(client, 0)
	snapshot := cache.NewSnapshot(bound, []*v1.Node{node})
	handle, err := frameworkruntime.NewFramework(ctx, nil, nil,
		frameworkruntime.WithClientSet(client), frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSnapshotSharedLister(snapshot), frameworkruntime.WithMutableSnapshotLister(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := New(ctx, nil, handle)
	if err != nil {
		t.Fatal(err)
	}
	factory.Core().V1().Pods().Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return plugin.(*Plugin)
}

func TestPostFilter(t *testing.T) {
	never := func(pod *v1.Pod) { pod.Spec.PreemptionPolicy = ptr.To(v1.PreemptNever) }
	for name, tc := range map[string]struct {
		pod   *v1.Pod
		bound []*v1.Pod
		want  string
	}{
		"nobody is there":                {pod: podOf("pod", 0, "")},
		"nobody is of lower priority":    {pod: podOf("pod", 0, ""), bound: []*v1.Pod{podOf("other", 0, "n")}},
		"it must not preempt":            {pod: podOf("pod", 10, "", never), bound: []*v1.Pod{podOf("other", 0, "n")}},
		"no victim would make a place":   {pod: podOf("pod", 10, ""), bound: []*v1.Pod{podOf("other", 0, "n")}, want: noVictims},
		"nor would any of several do so": {pod: podOf("pod", 10, ""), bound: []*v1.Pod{podOf("a", 0, "n"), podOf("b", 20, "n")}, want: noVictims},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlugin(t, tc.pod, tc.bound...)
			statuses := framework.NewDefaultNodeToStatus()
			statuses.Set("n", fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) have no GPU"))
			_, status := p.PostFilter(context.Background(), framework.NewCycleState(), tc.pod, statuses)
			if status.Code() != fwk.Unschedulable || status.Message() != tc.want {
				t.Errorf("got %s %q, want Unschedulable %q", status.Code(), status.Message(), tc.want)
			}
			// The in-tree plugin says what would be noise.
			_, inTree := p.DefaultPreemption.PostFilter(context.Background(), framework.NewCycleState(), tc.pod, statuses)
			if !strings.HasPrefix(inTree.Message(), "preemption: ") {
				t.Errorf("DefaultPreemption says %q: nothing is left to leave out", inTree.Message())
			}
		})
	}
}

func TestName(t *testing.T) {
	if got := newPlugin(t, podOf("pod", 0, "")).Name(); got != Name {
		t.Errorf("got %q, want %q", got, Name)
	}
}
