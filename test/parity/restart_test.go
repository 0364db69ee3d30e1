package parity

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// restartedPods are enough for the forecast to have a say, and to learn anew both before and
// after the scheduler is started again.
const restartedPods = 220

// restartBefore starts the scheduler anew if it is the turn of one of the arrivals before which
// that is to happen.
func (w *world) restartBefore(ctx context.Context, t *testing.T, arrival int, restarts []int) {
	t.Helper()
	if !slices.Contains(restarts, arrival) {
		return
	}
	if err := w.ashlar.RestartScheduler(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("the scheduler was started anew before arrival %d", arrival)
}

// A scheduler that is started anew decides as the one before would have: pods go to the nodes
// and devices that the simulator foretells for a scheduler that has run all the time.
func TestRestartChangesNoDecision(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	some := nodes()[:18]
	world := start(ctx, t, some, nil)
	asked := arrivals(restartedPods)
	foretold := world.foretell(t, some, asked)
	scheduled := world.schedule(ctx, t, asked, []int{40, 110, 180})
	for name, want := range foretold {
		if diff := cmp.Diff(want, scheduled[name]); diff != "" {
			t.Errorf("%s (-simulator +scheduler):\n%s", name, diff)
		}
	}
	t.Logf("%d pods: %d on the same node and devices as foretold", len(foretold), same(foretold, scheduled))
}

// The same for gangs, pods that need much of the host, and preemption.
func TestRestartChangesNoGangOrPreemption(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	host := cluster.NodeSpec{
		Name:     hostName,
		Capacity: corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(hostCores, resource.DecimalSI)},
	}
	w := start(ctx, t, mixedNodes(), []cluster.NodeSpec{host})
	asked := mixedArrivals()
	foretold := w.foretellMixed(t, asked)
	w.compareMixed(t, asked, foretold, w.scheduleMixed(ctx, t, asked, []int{30, 85, len(asked) - 2}))
}
