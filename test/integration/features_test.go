package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// The scheduler says in its log what an earlier API server does not serve, and of one of
// its own version nothing.
func TestSchedulerSaysWhatTheServerLacks(t *testing.T) {
	log, err := os.ReadFile(filepath.Join(world.cluster.Dir(), "logs", "ashlar-scheduler.log"))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range strings.Lines(string(log)) {
		if strings.HasPrefix(line, "ashlar-scheduler: the API server") {
			said = append(said, strings.TrimSpace(line))
		}
	}
	var want []string
	if *kubernetesVersion == cluster.EarlierKubernetesVersion {
		want = []string{"ashlar-scheduler: the API server (" + cluster.EarlierKubernetesVersion + ") does not serve " +
			"resource.k8s.io/v1/devicetaintrules (DRADeviceTaintRules): DeviceTaintRules do not keep pods from devices; switched off here"}
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("it said %q, want %q", said, want)
	}
}
