package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// The API server takes every object of what an administrator may apply.
func TestOverlaysAreAccepted(t *testing.T) {
	for folder, want := range map[string]string{
		"base":                        "daemonset.apps/ashlar-dra-driver serverside-applied (server dry run)",
		"overlays/extended-resources": "deviceclass.resource.k8s.io/mig-1g.10gb.gpu.ashlar.dev serverside-applied (server dry run)",
		"overlays/nvidia-dra-driver":  "deployment.apps/ashlar-scheduler serverside-applied (server dry run)",
		"overlays/device-plugin":      "deployment.apps/ashlar-scheduler serverside-applied (server dry run)",
	} {
		t.Run(folder, func(t *testing.T) {
			root, err := filepath.Abs("../..")
			if err != nil {
				t.Fatal(err)
			}
			out, err := world.cluster.Kubectl(t.Context(), "apply", "--server-side", "--dry-run=server", "-k",
				filepath.Join(root, "manifests", filepath.FromSlash(folder)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out, want) {
				t.Errorf("want %q in:\n%s", want, out)
			}
		})
	}
}
