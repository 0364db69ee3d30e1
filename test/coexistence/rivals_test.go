package coexistence

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

const second = "ashlar-second"

// Two schedulers of Ashlar that know nothing of each other allocate the same GPUs at once, and each
// GPU ends with one of them.
func TestTwoAshlarSchedulers(t *testing.T) {
	grantLease(t, "rival-a")
	grantLease(t, "rival-b")
	startLeader(t, "rival-a", scheduler, "rival-a")
	startLeader(t, "rival-b", second, "rival-b")
	if twice := runRivals(t, "pair", 2**rivalPods, scheduler, second); twice > 0 && *program == "" {
		t.Errorf("%d GPUs are promised twice", twice)
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
		if twice := runRivals(t, "policy", *rivalPods, scheduler, stock); twice > 0 {
			t.Errorf("%d GPUs are promised twice", twice)
		}
	})
}

// runRivals has pods of two schedulers bound, creating 2n pods of which at least n can be, and
// returns how many GPUs are promised twice in the end.
func runRivals(t *testing.T, prefix string, bindable int, names ...string) int {
	t.Helper()
	started := time.Now()
	createPods(t, prefix, 2**rivalPods, names...)
	first := time.Duration(0)
	await(t, 10*time.Minute, "the pods to be bound", func(ctx context.Context) error {
		bound, err := boundPods(ctx)
		if err != nil {
			return err
		}
		if first == 0 && len(promisedTwiceNow(t)) > 0 && len(promisedTwiceSettled(t)) > 0 {
			first = time.Since(started)
		}
		if bound < bindable {
			time.Sleep(time.Second)
			return fmt.Errorf("%d of %d are", bound, bindable)
		}
		return nil
	})
	took := time.Since(started)
	time.Sleep(2 * time.Second) // what is still to be given back
	twice := promisedTwiceNow(t)
	t.Logf("%d pods of each of %v: %d bound after %.0f s, %d GPUs twice (the first seen to last after %.0f s)",
		*rivalPods, names, bindable, took.Seconds(), len(twice), first.Seconds())
	for i, text := range twice {
		if i < 10 {
			t.Log(text)
		}
	}
	return len(twice)
}

// promisedTwiceSettled looks again after what a guard needs to give back.
func promisedTwiceSettled(t *testing.T) []string {
	t.Helper()
	time.Sleep(time.Second)
	return promisedTwiceNow(t)
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
