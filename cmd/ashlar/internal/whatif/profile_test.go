package whatif

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// leftOut are the plugins that only the real scheduler has.
var leftOut = []string{"Coscheduling", "DefaultPreemption", "NodeVolumeLimits", "VolumeBinding", "VolumeRestrictions", "VolumeZone"}

// The weights and order of the plugins are those that manifests/base installs.
func TestProfileIsThatOfTheManifests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "manifests", "base", "scheduler-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	installed, err := readProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := readProfile([]byte(profile))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(installed.Plugins.MultiPoint.Enabled), func(p config.Plugin) bool { return slices.Contains(leftOut, p.Name) })
	if diff := cmp.Diff(want, ours.Plugins.MultiPoint.Enabled); diff != "" {
		t.Error(diff)
	}
}
