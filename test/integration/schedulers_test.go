package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
			if held[device] {
				t.Fatalf("%s is held twice", device)
			}
			held[device] = true
		}
	}
	if len(held) != 4 {
		t.Fatalf("len(held) = %d, want %d: %v", len(held), 4, held)
	}
	if got := s.devices("plain"); len(got) > 0 {
		t.Fatalf("s.devices(\"plain\") = %v, want none", got)
	}
}

// NodeResourceTopologyMatch is in the same binary and runs beside DevicePlacement
// once the CRD is there.
func TestNodeResourceTopologyPluginRuns(t *testing.T) {
	s := newSpace(t)
	text := strings.ReplaceAll(schedulerConfig(world.cluster.Kubeconfig(), "DevicePlacement", "NodeResourceTopologyMatch"), ashlar,
		"nrt-scheduler")
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	scheduler, err := world.cluster.Run(s.ctx, "nrt-scheduler", world.cluster.Binaries().Command("ashlar-scheduler"),
		"--config", file, "--secure-port", "0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := scheduler.Stop(); err != nil {
			t.Fatal(err)
		}
	}()
	s.create(s.pod("pod", "nrt-scheduler", "topology-match"), request(whole, 1))
	s.running("pod")
	if got := s.devices("pod"); len(got) != 1 {
		t.Fatalf("len(s.devices(\"pod\")) = %d, want %d: %v", len(got), 1, got)
	}
}
