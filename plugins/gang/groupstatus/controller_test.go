package groupstatus

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

func labelledPods(namespace, group, phases string) []client.Object {
	var objects []client.Object
	for i, pod := range podsIn(phases) {
		pod.Namespace, pod.Name = namespace, fmt.Sprintf("%s-%d", group, i)
		pod.Labels = map[string]string{v1alpha1.PodGroupLabel: group}
		objects = append(objects, &pod)
	}
	return objects
}

// reconcileGroup runs one reconciliation of default/gang, which needs 2 members, and
// returns what is stored then and how often the status was written.
func reconcileGroup(t *testing.T, status v1alpha1.PodGroupStatus, pods []client.Object, refuse error) (*v1alpha1.PodGroup, int, error) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	key := types.NamespacedName{Namespace: "default", Name: "gang"}
	group := &v1alpha1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
		Spec:       v1alpha1.PodGroupSpec{MinMember: 2},
		Status:     status,
	}
	writes := 0
	stored := fake.NewClientBuilder().WithScheme(scheme).WithObjects(append(pods, group)...).WithStatusSubresource(group).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(
			ctx context.Context, inner client.Client, name string, object client.Object, patch client.Patch,
			options ...client.SubResourcePatchOption,
		) error {
			writes++
			if refuse != nil {
				return refuse
			}
			return inner.SubResource(name).Patch(ctx, object, patch, options...)
		}}).Build()
	reconciler := &statusReconciler{client: stored, clock: clocktesting.NewFakePassiveClock(noon)}
	_, err := reconciler.Reconcile(context.Background(), reconcile.Request{NamespacedName: key})
	found := &v1alpha1.PodGroup{}
	if err := stored.Get(context.Background(), key, found); err != nil {
		t.Fatal(err)
	}
	return found, writes, err
}

func TestReconcile(t *testing.T) {
	running := v1alpha1.PodGroupStatus{Phase: v1alpha1.PodGroupRunning, Running: 2, ScheduleStartTime: start}
	for name, tc := range map[string]struct {
		before     v1alpha1.PodGroupStatus
		pods       []client.Object
		want       v1alpha1.PodGroupStatus
		wantWrites int
	}{
		"a new group": {want: v1alpha1.PodGroupStatus{Phase: v1alpha1.PodGroupPending}, wantWrites: 1},
		"its pods run": {
			pods: append(labelledPods("default", "gang", "rr"), labelledPods("default", "other", "rrs")...),
			want: running, wantWrites: 1,
		},
		"pods of another namespace": {
			pods: labelledPods("elsewhere", "gang", "rr"),
			want: v1alpha1.PodGroupStatus{Phase: v1alpha1.PodGroupPending}, wantWrites: 1,
		},
		"nothing new": {before: running, pods: labelledPods("default", "gang", "rr"), want: running},
	} {
		t.Run(name, func(t *testing.T) {
			group, writes, err := reconcileGroup(t, tc.before, tc.pods, nil)
			if err != nil {
				t.Fatal(err)
			}
			if writes != tc.wantWrites {
				t.Errorf("got %d writes, want %d", writes, tc.wantWrites)
			}
			group.Status.ScheduleStartTime.Time = group.Status.ScheduleStartTime.UTC()
			tc.want.ScheduleStartTime.Time = tc.want.ScheduleStartTime.UTC()
			if diff := cmp.Diff(tc.want, group.Status); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReconcileReportsRefusal(t *testing.T) {
	refused := errors.New("refused")
	_, _, err := reconcileGroup(t, v1alpha1.PodGroupStatus{}, nil, refused)
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}

// A group that was deleted meanwhile needs no status.
func TestReconcileOfDeletedGroup(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "podgroups"}, "gang")
	if _, _, err := reconcileGroup(t, v1alpha1.PodGroupStatus{}, nil, gone); err != nil {
		t.Error(err)
	}
}

func TestGroupOfMember(t *testing.T) {
	want := []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: "default", Name: "gang"}}}
	if diff := cmp.Diff(want, groupOfMember(context.Background(), labelledPods("default", "gang", "r")[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := groupOfMember(context.Background(), &v1.Pod{}); got != nil {
		t.Errorf("of a pod in no group: got %v", got)
	}
}

// The cache keeps of a pod what the status follows from, and what identifies it.
func TestKeepPhaseOnly(t *testing.T) {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod", UID: "1", ResourceVersion: "7", Labels: map[string]string{"a": "b"},
			Annotations: map[string]string{"long": "text"}},
		Spec:   v1.PodSpec{NodeName: "node"},
		Status: v1.PodStatus{Phase: v1.PodRunning, Message: "long"},
	}
	want := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod", UID: "1", ResourceVersion: "7", Labels: map[string]string{"a": "b"}},
		Status:     v1.PodStatus{Phase: v1.PodRunning},
	}
	got, err := keepPhaseOnly(pod)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
