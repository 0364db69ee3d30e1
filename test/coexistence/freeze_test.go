package coexistence

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// slowWrites makes writes wait in the client, where a stop catches many.
func slowWrites(config map[string]any) {
	connection := config["clientConnection"].(map[string]any)
	connection["qps"], connection["burst"] = 30, 30
}

// A leader is stopped while it binds, and a second takes over. What the first had in hand goes last
// there: pods of a higher priority take all GPUs that are free, also those that the first had chosen.
// When the first wakes, its claims are as it knows them, so that nothing but the fence keeps it from
// promising these GPUs again. No GPU is promised twice, and no pod is lost.
func TestFrozenLeaderWritesNothing(t *testing.T) {
	for round := range *freezeRounds {
		t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			const pods = 150
			lease := fmt.Sprintf("freeze-%d", round)
			grantLease(t, lease)
			first := startLeader(t, lease+"-first", scheduler, lease, slowWrites)
			startScheduler(t, lease+"-second", scheduler, lease)
			before := holderOf(t.Context(), lease)
			createPods(t, lease, pods, scheduler)
			awaitBound(t, time.Minute, 5+round%5*5)
			sendSignal(t, first, syscall.SIGSTOP)
			urgent := createUrgentPods(t, lease+"-urgent", 8**nodeCount)
			await(t, 40*time.Second, "the second to lead", func(ctx context.Context) error {
				if holder := holderOf(ctx, lease); holder == before {
					return fmt.Errorf("%s holds the lease", holder)
				}
				return nil
			})
			full := awaitNoneFree(t, urgent)
			sendSignal(t, first, syscall.SIGCONT)
			await(t, time.Minute, "the first to end", func(context.Context) error {
				if first.Err() == nil {
					return errors.New("it runs")
				}
				return nil
			})
			twice := promisedTwiceNow(t)
			t.Logf("woken with %d of %d pods bound and %d of higher priority: %d GPUs twice",
				full.others, pods, full.urgent, len(twice))
			if len(twice) > 0 {
				t.Errorf("promised twice: %v", twice)
			}
			deleteUrgentPods(t)
			awaitBound(t, 2*time.Minute, pods)
		})
	}
}

// urgentLabel marks pods that go before others.
const urgentLabel = "urgent"

// createUrgentPods creates pods that ask for a whole GPU, go before all others, and end none of them.
func createUrgentPods(t *testing.T, prefix string, count int) labels.Selector {
	t.Helper()
	class := &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: prefix}, Value: 1000, PreemptionPolicy: ptr.To(corev1.PreemptNever),
	}
	if _, err := world.client.SchedulingV1().PriorityClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.client.SchedulingV1().PriorityClasses().Delete(context.Background(), prefix, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for i := range count {
		group.Go(func() error {
			return createPod(ctx, fmt.Sprintf("%s-%d", prefix, i), scheduler, false, func(pod *corev1.Pod) {
				pod.Labels, pod.Spec.PriorityClassName = map[string]string{urgentLabel: ""}, class.Name
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return labels.SelectorFromSet(labels.Set{urgentLabel: ""})
}

// deleteUrgentPods deletes the pods that go before others, and their claims.
func deleteUrgentPods(t *testing.T) {
	t.Helper()
	now, which := metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}, metav1.ListOptions{LabelSelector: urgentLabel}
	if err := world.client.CoreV1().Pods(namespace).DeleteCollection(t.Context(), now, which); err != nil {
		t.Fatal(err)
	}
	if err := world.client.ResourceV1().ResourceClaims(namespace).DeleteCollection(t.Context(), now, which); err != nil {
		t.Fatal(err)
	}
}

// boundCounts is how many pods of two kinds have a node.
type boundCounts struct{ urgent, others int }

// awaitNoneFree waits until every GPU is promised, and returns how many pods have a node then.
func awaitNoneFree(t *testing.T, urgent labels.Selector) boundCounts {
	t.Helper()
	await(t, 3*time.Minute, "all GPUs to be promised", func(context.Context) error {
		if promised := len(promisesByGPU(listAllocations(t))); promised < 8**nodeCount {
			return fmt.Errorf("%d of %d are", promised, 8**nodeCount)
		}
		return nil
	})
	pods, err := world.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var counts boundCounts
	for i := range pods.Items {
		switch {
		case pods.Items[i].Spec.NodeName == "":
		case urgent.Matches(labels.Set(pods.Items[i].Labels)):
			counts.urgent++
		default:
			counts.others++
		}
	}
	return counts
}
