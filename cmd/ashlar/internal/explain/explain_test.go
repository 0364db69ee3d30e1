package explain

import (
	"fmt"
	"testing"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustertest"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestExplainStories(t *testing.T) { clustertest.RunStories(t, "testdata/stories", NewCommand) }

// How long it takes to explain a pod that waits, and one that runs, on many nodes of eight GPUs, reading the cluster
// aside: wanted is a second on two cores with a thousand.
func BenchmarkExplain(b *testing.B) {
	for _, nodes := range []int{100, 1000} {
		objects := clustertest.ManyNodes(b, nodes)
		for state, name := range map[string]string{"waits": "big", "runs": "worker-50-1"} {
			b.Run(fmt.Sprintf("nodes=%d/pod=%s", nodes, state), func(b *testing.B) {
				defer clustertest.CountCPU(b)()
				for b.Loop() {
					explainOne(b, objects, name, state == "waits")
				}
			})
		}
	}
}

// explainOne explains a pod of a cluster of which nothing was read yet.
func explainOne(tb testing.TB, objects *dryrun.ClusterObjects, name string, wantWaits bool) {
	tb.Helper()
	asked := *objects
	pod, err := findPod(&asked, "default", name)
	if err != nil {
		tb.Fatal(err)
	}
	report, err := explainPod(clustersource.SilenceScheduler(tb.Context()), &asked, pod, "ashlar-scheduler", placement.KeepPlaceable{})
	if err != nil {
		tb.Fatal(err)
	}
	if waits := report.Today.Node == ""; waits != wantWaits {
		tb.Errorf("%s waits: %v (%s)", name, waits, report.Today.Reason)
	}
}

// Pods are explained on many nodes.
func TestManyNodes(t *testing.T) {
	objects := clustertest.ManyNodes(t, 50)
	explainOne(t, objects, "big", true)
	explainOne(t, objects, "worker-49-1", false)
}
