package mixednodes

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

var (
	seed     = flag.Int64("seed", 20260901, "seed of nodes and pods")
	podCount = flag.Int("pods", 3000, "pods that arrive")
)

// enough is with how many pods each kind of node must have been had in each of its ways.
const enough = 2000

// patience is how long all of it may take.
const patience = 25 * time.Minute

// world is a control plane with the fleet on it.
type world struct {
	begin   time.Time
	cluster *cluster.Cluster
	ashlar  *install.Installation
	client  kubernetes.Interface
	facts   map[string]*nodeFacts
	history *history
	// problems are what was found in snapshots.
	problems  map[violation]bool
	snapshots int
}

// Whatever arrives, in whatever order: no GPU is promised twice, and no model server is
// bound where it cannot start.
func TestMixedNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	random := rand.New(rand.NewSource(*seed))
	fleet := newFleet(t, random)
	arrivals := newWorkload(random, fleet, *podCount)
	w := startWorld(ctx, t, fleet)
	w.stream(ctx, t, arrivals, random)
	w.settle(ctx, t)
	w.checkSnapshot(ctx, t)
	w.compareEnds(ctx, t)

	replayed := newChecker(w.facts)
	tally := newTally()
	for _, next := range w.history.inOrder() {
		replayed.replay(next)
		tally.note(replayed, next)
	}
	for _, v := range replayed.found {
		w.problems[v] = true
	}
	w.report(t, arrivals, replayed, tally)
	if *podCount < enough {
		return
	}
	for _, what := range tally.missing(fleet) {
		t.Errorf("there were no %s: the stream says nothing about them", what)
	}
}

// startWorld starts a control plane and adds the nodes, with all that drivers and device
// plugins would publish.
func startWorld(ctx context.Context, t *testing.T, fleet []*fleetNode) *world {
	t.Helper()
	w := &world{begin: time.Now(), problems: map[violation]bool{}}
	say := func(what string) { t.Logf("[%5.1fs] %s", time.Since(w.begin).Seconds(), what) }
	binaries, err := cluster.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	if err := binaries.Ensure(ctx, say, install.Commands...); err != nil {
		t.Fatal(err)
	}
	w.cluster, err = cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cluster.Err(); err != nil {
			t.Errorf("a process ended during the test: %v", err)
		}
		if t.Failed() {
			w.keepLog(t)
		}
		if err := w.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := w.cluster.RESTConfig()
	config.QPS, config.Burst = 1000, 2000
	if w.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	w.addNodes(ctx, t, fleet)
	var driven []install.Node
	for _, n := range fleet {
		if n.isDriven() {
			driven = append(driven, install.Node{Name: n.name, Machine: n.machine})
		}
	}
	if w.ashlar, err = install.Install(ctx, w.cluster, root, driven, say); err != nil {
		t.Fatal(err)
	}
	w.labelNodes(ctx, t, fleet)
	if err := install.EnsureNamespace(ctx, w.cluster, w.client, namespace); err != nil {
		t.Fatal(err)
	}
	nodes, err := w.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	published, err := w.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.facts = readNodes(fleet, nodes.Items, published.Items)
	if w.history, err = recordHistory(ctx, w.client); err != nil {
		t.Fatal(err)
	}
	return w
}

// keepLog leaves the scheduler's log where the test can be looked into.
func (w *world) keepLog(t *testing.T) {
	t.Helper()
	for _, process := range w.cluster.Processes() {
		if process.Name() != scheduler {
			continue
		}
		text, err := os.ReadFile(process.Logs())
		if err != nil {
			t.Log(err)
			return
		}
		kept := filepath.Join(os.TempDir(), "mixednodes-"+scheduler+".log")
		if err := os.WriteFile(kept, text, 0o600); err != nil {
			t.Log(err)
			return
		}
		t.Logf("the scheduler's log is kept in %s", kept)
	}
}

// addNodes adds the nodes that Ashlar's driver does not serve, and what NVIDIA's driver
// publishes on all.
func (w *world) addNodes(ctx context.Context, t *testing.T, fleet []*fleetNode) {
	t.Helper()
	var specs []cluster.NodeSpec
	for _, n := range fleet {
		if !n.isDriven() {
			specs = append(specs, cluster.NodeSpec{Name: n.name, Labels: n.labels(), Capacity: n.capacity()})
		}
	}
	if err := w.cluster.AddNodes(ctx, specs); err != nil {
		t.Fatal(err)
	}
	important := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: urgent}, Value: 100}
	if _, err := w.client.SchedulingV1().PriorityClasses().Create(ctx, important, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, class := range nvidiaClasses() {
		if _, err := w.client.ResourceV1().DeviceClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range fleet {
		for _, slice := range n.slices {
			if _, err := w.client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{}); err != nil {
				t.Fatalf("slice of node %s: %v", n.name, err)
			}
		}
	}
}

// labelNodes labels the nodes that the installation added.
func (w *world) labelNodes(ctx context.Context, t *testing.T, fleet []*fleetNode) {
	t.Helper()
	for _, n := range fleet {
		if n.kind != ashlarKind {
			continue
		}
		var pairs []string
		for name, value := range n.labels() {
			pairs = append(pairs, fmt.Sprintf("%q:%q", name, value))
		}
		patch := fmt.Sprintf(`{"metadata":{"labels":{%s}}}`, strings.Join(pairs, ","))
		if _, err := w.client.CoreV1().Nodes().Patch(ctx, n.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// compareEnds holds that the history leads to what the API server has.
func (w *world) compareEnds(ctx context.Context, t *testing.T) {
	t.Helper()
	now, revision, err := w.snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, pod := range now.pods {
		want[name] = pod.node
	}
	err = w.cluster.Until(ctx, "the history to be where the API server is", func(context.Context) error {
		got := map[string]string{}
		for _, next := range w.history.inOrder() {
			switch {
			case next.pod == nil || next.revision > revision:
			case next.gone:
				delete(got, next.pod.name)
			default:
				got[next.pod.name] = next.pod.node
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("pods by node (-API server +history):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
