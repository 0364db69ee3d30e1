package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The stock scheduler keeps serving its pods, with and without devices, while
// Ashlar serves others on the same node, and no device is given twice.
func TestTwoSchedulersSideBySide(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("plain", stock, "side-by-side"))
	s.create(s.pod("stock", stock, "side-by-side"), request(whole, 1))
	s.running("plain", "stock")
	s.create(s.pod("ours", ashlar, "side-by-side"), request(whole, 2))
	s.create(s.pod("plain-ours", ashlar, "side-by-side"))
	s.running("ours", "plain-ours")
	s.create(s.pod("stock-again", stock, "side-by-side"), request(whole, 1))
	s.running("stock-again")

	held := map[string]bool{}
	for _, name := range []string{"stock", "ours", "stock-again"} {
		for _, device := range s.devices(name) {
			require.False(t, held[device], "%s is held twice", device)
			held[device] = true
		}
	}
	require.Len(t, held, 4)
	require.Empty(t, s.devices("plain"))
}

// NodeResourceTopologyMatch is in the same binary and runs beside DevicePlacement
// once the CRD is there.
func TestNodeResourceTopologyPluginRuns(t *testing.T) {
	s := newSpace(t)
	text := strings.ReplaceAll(schedulerConfig(world.cluster.Kubeconfig(), "DevicePlacement", "NodeResourceTopologyMatch"), ashlar, "nrt-scheduler")
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	scheduler, err := world.cluster.Run(s.ctx, "nrt-scheduler", world.cluster.Binaries().Command("ashlar-scheduler"),
		"--config", file, "--secure-port", "0")
	require.NoError(t, err)
	defer func() { require.NoError(t, scheduler.Stop()) }()
	s.create(s.pod("pod", "nrt-scheduler", "topology-match"), request(whole, 1))
	s.running("pod")
	require.Len(t, s.devices("pod"), 1)
}
