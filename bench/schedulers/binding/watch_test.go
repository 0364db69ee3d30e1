package binding

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
)

const space = "bench"

func newPod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: space, UID: types.UID(name), Labels: map[string]string{"run": "r"},
	}}
}

// bindPods binds pods one after the other.
func bindPods(ctx context.Context, t *testing.T, client kubernetes.Interface, names []string) {
	t.Helper()
	for _, name := range names {
		pod := newPod(name)
		pod.Spec.NodeName = "node-0"
		if _, err := client.CoreV1().Pods(space).Update(ctx, pod, metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A scheduler is rated by what it bound: all pods, those of its time, or none.
func TestMeasure(t *testing.T) {
	for name, tc := range map[string]struct {
		binds     int
		failed    error
		wantBound int
		wantError string
	}{
		"all":          {binds: 5, wantBound: 5},
		"some in time": {binds: 3, wantBound: 3},
		"none":         {},
		"it ends":      {failed: errors.New("it has ended"), wantError: "it has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			var names []string
			for i := range 5 {
				names = append(names, fmt.Sprintf("p-%d", i))
				if _, err := client.CoreV1().Pods(space).Create(t.Context(), newPod(names[i]), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			watch, err := NewWatch(t.Context(), client, space, "run=r", 5)
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Stop()
			var used time.Duration
			result, err := watch.Measure(t.Context(), func(ctx context.Context) (Subject, error) {
				go bindPods(ctx, t, client, names[:tc.binds])
				cpu := func() (time.Duration, error) {
					used += 10 * time.Millisecond // for each pod
					return used, nil
				}
				return Subject{CPU: cpu, Failed: func() error { return tc.failed }}, nil
			}, Patience{First: 500 * time.Millisecond, Limit: 500 * time.Millisecond})
			if tc.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Fatalf("got %v, want %s", err, tc.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if result.Asked != 5 || result.Bound != tc.wantBound {
				t.Errorf("got %+v, want %d bound", result, tc.wantBound)
			}
			if tc.wantBound > 0 && (result.Seconds <= 0 || math.Abs(result.MillisecondsPerPod()-10) > 1e-6) {
				t.Errorf("got %+v, want %d bound for 10 ms each", result, tc.wantBound)
			}
		})
	}
}

func TestResult(t *testing.T) {
	for name, tc := range map[string]struct {
		result             Result
		wantRate, wantCost float64
	}{
		"several": {Result{Asked: 9, Bound: 5, Seconds: 2, CPUSeconds: 0.4}, 2, 100},
		"one":     {Result{Asked: 9, Bound: 1, Seconds: 0, CPUSeconds: 0}, 0, 0},
		"none":    {},
	} {
		t.Run(name, func(t *testing.T) {
			if rate, cost := tc.result.PodsPerSecond(), tc.result.MillisecondsPerPod(); rate != tc.wantRate || cost != tc.wantCost {
				t.Errorf("%g pods/s and %g ms, want %g and %g", rate, cost, tc.wantRate, tc.wantCost)
			}
		})
	}
}

// A refusal counts once the status explains it, not when it says that the pod waits.
func TestTimeRefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		messages []string
		want     Refusal // but for the time
	}{
		"explained at last": {
			messages: []string{"0/1 nodes", "0/1 nodes: 8 GPUs fit"}, want: Refusal{Explained: true, Message: "0/1 nodes: 8 GPUs fit"},
		},
		"never explained": {messages: []string{"0/1 nodes"}, want: Refusal{Message: "0/1 nodes"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			go func() {
				for _, message := range tc.messages {
					time.Sleep(50 * time.Millisecond)
					pod := newPod("p")
					pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: message}}
					if _, err := client.CoreV1().Pods(space).UpdateStatus(context.Background(), pod, metav1.UpdateOptions{}); err != nil {
						t.Error(err)
					}
				}
			}()
			claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: space}}
			refusal, err := TimeRefusal(t.Context(), client, newPod("p"), claim, "GPUs fit", 300*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if least := 0.05; refusal.Seconds < least {
				t.Errorf("it took %g s, want at least %g", refusal.Seconds, least)
			}
			refusal.Seconds = 0
			if diff := cmp.Diff(tc.want, refusal); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
