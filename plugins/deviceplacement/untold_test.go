package deviceplacement

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
)

// A pod that waits without a word about it in its status is tried again: the word was lost.
func TestListUntold(t *testing.T) {
	now := time.Now()
	created := func(before time.Duration) func(*v1.Pod) {
		return func(pod *v1.Pod) { pod.CreationTimestamp = metav1.NewTime(now.Add(-before)) }
	}
	told := func(pod *v1.Pod) {
		pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: v1.PodReasonUnschedulable}}
	}
	doubted := func(pod *v1.Pod) {
		pod.Status.Conditions = []v1.PodCondition{{Type: v1.DisruptionTarget, Status: v1.ConditionTrue}}
	}
	leaving := func(pod *v1.Pod) {
		pod.DeletionTimestamp, pod.Finalizers = &metav1.Time{Time: now}, []string{"example.com/keep"}
	}
	pods := []runtime.Object{
		newPod("untold", created(time.Minute)),
		newPod("other-condition", created(time.Minute), doubted),
		newPod("told", created(time.Minute), told),
		newPod("reserved", created(time.Minute)),
		newPod("new", created(time.Second)),
		newPod("bound", created(time.Minute), on("n")),
		newPod("leaving", created(time.Minute), leaving),
		newPod("other-profile", created(time.Minute), func(pod *v1.Pod) { pod.Spec.SchedulerName = "another" }),
	}
	for _, object := range pods {
		if pod, ok := object.(*v1.Pod); ok && pod.Spec.SchedulerName == "" {
			pod.Spec.SchedulerName = "ours"
		}
	}
	s := newFakeScheduler(t, nil, nil, pods...)
	s.profile = "ours"
	s.pending.noteCause(newPod("reserved"), metrics.Reserved)
	var names []string
	for _, pod := range s.listUntold(now) {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"other-condition", "untold"}, names); diff != "" {
		t.Errorf("tried again (-want +got):\n%s", diff)
	}
}

// A pod that names a claim which is not there is told so.
func TestMissingClaimIsTold(t *testing.T) {
	old, young := time.Now().Add(-time.Minute), time.Now().Add(-15*time.Second)
	fromTemplate := func(made string) func(*v1.Pod) {
		return func(pod *v1.Pod) {
			template := "gpus"
			pod.Spec.ResourceClaims = []v1.PodResourceClaim{{Name: "devices", ResourceClaimTemplateName: &template}}
			if made != "" {
				pod.Status.ResourceClaimStatuses = []v1.PodResourceClaimStatus{{Name: "devices", ResourceClaimName: &made}}
			}
		}
	}
	leaving := func(claim *resourceapi.ResourceClaim) {
		claim.DeletionTimestamp, claim.Finalizers = &metav1.Time{Time: old}, []string{"example.com/keep"}
	}
	for name, tc := range map[string]struct {
		pod     *v1.Pod
		created time.Time
		want    string
	}{
		"it is there": {newPod("there"), old, ""},
		"it is not": {
			newPod("missing"), young,
			"ResourceClaim missing does not exist in namespace default: create it, or correct its name in the pod's spec.resourceClaims",
		},
		"it is being deleted": {
			newPod("leaving"), young, "ResourceClaim leaving is being deleted: the pod is tried again once there is another of this name",
		},
		"a template's may be on its way": {newPod("pod", fromTemplate("")), young, ""},
		"a template's is not made": {
			newPod("pod", fromTemplate("")), old,
			"no ResourceClaim has been made yet from ResourceClaimTemplate gpus: if it is not in namespace default create it, or correct its " +
				"name in the pod's spec.resourceClaims; if it is, kubectl describe pod says why not",
		},
		"a template's is another pod's": {
			newPod("pod", fromTemplate("there")), old, "ResourceClaim there was not made for this pod: delete it, and another one is made",
		},
		"it asks for none": {newPod("pod", func(pod *v1.Pod) { pod.Spec.ResourceClaims = nil }), old, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.pod.CreationTimestamp = metav1.NewTime(tc.created)
			s := newFakeScheduler(t, nil, nil, newClaim("there", gpuClass, 1), newClaim("leaving", gpuClass, 1, leaving), tc.pod)
			got := s.describeMissing(tc.pod, time.Now())
			if got != tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			if got == "" {
				return
			}
			if err := s.tellPod(t.Context(), tc.pod, got); err != nil {
				t.Fatal(err)
			}
			pod, err := s.client.CoreV1().Pods(space).Get(t.Context(), tc.pod.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			told := pod.Status.Conditions
			if len(told) != 1 || told[0].Type != v1.PodScheduled || told[0].Status != v1.ConditionFalse || told[0].Message != tc.want {
				t.Errorf("conditions %v", told)
			}
			if diff := cmp.Diff([]string{"Warning FailedScheduling " + tc.want}, s.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
