package explain

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustertest"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

func TestExplainStories(t *testing.T) { clustertest.RunStories(t, "testdata/stories", NewCommand) }

// A pod on a thousand nodes of eight GPUs is explained.
func TestManyNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand nodes are left out of -short")
	}
	objects := clustertest.ManyNodes(t, 1000)
	for _, name := range []string{"big", "worker-500-1"} {
		pod, err := findPod(objects, "default", name)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		report, err := explainPod(clustersource.SilenceScheduler(t.Context()), objects, pod, "ashlar-scheduler", placement.KeepPlaceable{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s on 1,000 nodes of 8 GPUs in %s", name, time.Since(from).Round(time.Millisecond))
		if waits := report.Today.Node == ""; waits != (name == "big") {
			t.Errorf("%s waits: %v (%s)", name, waits, report.Today.Reason)
		}
	}
}
