package coexistence

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const second = "ashlar-second"

// Two schedulers of Ashlar that know nothing of each other allocate the same GPUs at once, and each
// GPU ends with one of them.
func TestTwoAshlarSchedulers(t *testing.T) {
	grantLease(t, "rival-a")
	grantLease(t, "rival-b")
	startLeader(t, "rival-a", scheduler, "rival-a")
	startLeader(t, "rival-b", second, "rival-b")
	if twice, ever := runRivals(t, "pair", 2**rivalPods, scheduler, second); (twice > 0 || ever) && *program == "" {
		t.Errorf("%d GPUs are promised twice, to two bound pods at some time: %t", twice, ever)
	}
}

// kube-scheduler gives nothing back. What it doubles is measured, and that the policy prevents it.
func TestBesideKubeScheduler(t *testing.T) {
	grantLease(t, "beside")
	startLeader(t, "beside", scheduler, "beside")
	t.Run("without policy", func(t *testing.T) {
		runRivals(t, "beside", 2**rivalPods, scheduler, stock)
	})
	t.Run("with policy", func(t *testing.T) {
		applyPolicy(t, "exclusive-allocation")
		if twice, ever := runRivals(t, "policy", *rivalPods, scheduler, stock); twice > 0 || ever {
			t.Errorf("%d GPUs are promised twice, to two bound pods at some time: %t", twice, ever)
		}
	})
}

// runRivals has pods of two schedulers bound, creating 2n pods of which at least n can be, and
// returns how many GPUs are promised twice in the end, and whether any was to two bound pods before.
func runRivals(t *testing.T, prefix string, bindable int, names ...string) (int, bool) {
	t.Helper()
	started := time.Now()
	createPods(t, prefix, 2**rivalPods, names...)
	first := time.Duration(0)
	await(t, 10*time.Minute, "the pods to be bound", func(ctx context.Context) error {
		bound, err := boundPods(ctx)
		if err != nil {
			return err
		}
		if first == 0 && len(boundTwiceNow(t)) > 0 {
			first = time.Since(started)
		}
		if bound < bindable {
			time.Sleep(time.Second)
			pending, err := describePending(ctx)
			if err != nil {
				return err
			}
			return fmt.Errorf("%d of %d are; pending:\n%s", bound, bindable, pending)
		}
		return nil
	})
	took := time.Since(started)
	time.Sleep(2 * time.Second) // what is still to be given back
	twice := promisedTwiceNow(t)
	seen := "never to two bound pods"
	if first > 0 {
		seen = fmt.Sprintf("to two bound pods after %.0f s", first.Seconds())
	}
	t.Logf("%d pods of each of %v: %d bound after %.0f s, %d GPUs twice in the end, %s",
		*rivalPods, names, bindable, took.Seconds(), len(twice), seen)
	for i, text := range twice {
		if i < 10 {
			t.Log(text)
		}
	}
	return len(twice), first > 0
}

// boundTwiceNow is promisedTwiceNow of the claims whose pods have a node: what was written and is about
// to be given back does not count.
func boundTwiceNow(t *testing.T) []string {
	t.Helper()
	pods, err := world.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bound := map[string]bool{}
	for i := range pods.Items {
		bound[pods.Items[i].Name] = pods.Items[i].Spec.NodeName != "" // claims have their pods' names
	}
	published, claims := listAllocations(t)
	return promisedTwice(published, slices.DeleteFunc(claims, func(claim resourceapi.ResourceClaim) bool { return !bound[claim.Name] }))
}

// applyPolicy applies a component of manifests and waits until the API server heeds it. It is
// removed when the test ends.
func applyPolicy(t *testing.T, component string) {
	t.Helper()
	file := filepath.Join("..", "..", "manifests", "components", component, "policy.yaml")
	if _, err := world.cluster.Kubectl(t.Context(), "apply", "--server-side", "-f", file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := world.cluster.Kubectl(context.Background(), "delete", "-f", file); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second) // it is heeded a little longer
	})
	time.Sleep(3 * time.Second) // the API server compiles policies within a second or so
}
