package dryrun

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/ashlar-dev/ashlar/manifests"
	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
)

// Of the profile that manifests/base installs, all plugins run that are not skipped, at
// the same weights and in the same order.
func TestProfileIsThatOfTheManifests(t *testing.T) {
	profile, err := dryRunProfile(manifests.SchedulerConfig)
	if err != nil {
		t.Fatal(err)
	}
	enabled := profile.Plugins.MultiPoint.Enabled
	ours := slices.DeleteFunc(slices.Clone(enabled), func(p config.Plugin) bool {
		return p.Name != deviceplacement.Name && p.Name != deviceplacement.ScoreName
	})
	want := []config.Plugin{{Name: deviceplacement.Name}, {Name: deviceplacement.ScoreName, Weight: 10}}
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Errorf("Ashlar's plugins (-want +got):\n%s", diff)
	}
	names := map[string]bool{}
	for _, plugin := range enabled {
		names[plugin.Name] = true
	}
	for _, name := range []string{"NodeResourcesFit", "TaintToleration", "InterPodAffinity", "PrioritySort"} {
		if !names[name] {
			t.Errorf("%s is not enabled", name)
		}
	}
	for _, name := range append(slices.Clone(skippedPlugins), "DynamicResources") {
		if names[name] {
			t.Errorf("%s is enabled", name)
		}
	}
}

// A mistake in the configuration is an error and not a scheduler without plugins.
func TestProfileMistakes(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field": "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofilez: []\n",
		"other kind":    "apiVersion: v1\nkind: Pod\n",
		"no YAML":       "{",
	} {
		if profile, err := dryRunProfile(text); err == nil {
			t.Errorf("%s: no error, but %v", name, profile)
		}
	}
}
