package scheme

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	schedconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	scheduler "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	v1 "github.com/ashlar-dev/ashlar/plugins/apis/config/v1"
	"github.com/ashlar-dev/ashlar/plugins/apis/config/validation"
)

// argumentsIn reads the arguments of DevicePlacement from a configuration file.
func argumentsIn(pluginConfig string) (runtime.Object, error) {
	file := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" +
		"profiles:\n- schedulerName: ashlar-scheduler\n" + pluginConfig
	object, _, err := scheduler.Codecs.UniversalDecoder().Decode([]byte(file), nil, nil)
	if err != nil {
		return nil, err
	}
	for _, plugin := range object.(*schedconfig.KubeSchedulerConfiguration).Profiles[0].PluginConfig {
		if plugin.Name == "DevicePlacement" {
			return plugin.Args, nil
		}
	}
	return nil, nil
}

func defaults() config.DevicePlacementArgs {
	return config.DevicePlacementArgs{
		Policy: "keep-placeable", ExplainTimeout: metav1.Duration{Duration: time.Second}, MaxExplainedNodes: 64, Forecast: true, ScoreSpan: 100,
		Candidates: 8,
	}
}

func TestConfigurationFile(t *testing.T) {
	for name, tc := range map[string]struct {
		file      string
		want      func(*config.DevicePlacementArgs)
		wantError string
	}{
		"nothing stated": {"  pluginConfig:\n  - name: DevicePlacement\n    args: {}\n", func(*config.DevicePlacementArgs) {}, ""},
		"everything stated": {`  pluginConfig:
  - name: DevicePlacement
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: DevicePlacementArgs
      policy: best-fit
      explainTimeout: 250ms
      maxExplainedNodes: 8
      forecast: false
      scoreSpan: 0
      candidates: 0
`, func(a *config.DevicePlacementArgs) {
			*a = config.DevicePlacementArgs{
				Policy: "best-fit", ExplainTimeout: metav1.Duration{Duration: 250 * time.Millisecond}, MaxExplainedNodes: 8,
			}
		}, ""},
		"a field that there is not": {"  pluginConfig:\n  - name: DevicePlacement\n    args: {polcy: best-fit}\n", nil, `unknown field "polcy"`},
		"a number for a text":       {"  pluginConfig:\n  - name: DevicePlacement\n    args: {policy: 3}\n", nil, "policy"},
		"a duration without a unit": {"  pluginConfig:\n  - name: DevicePlacement\n    args: {explainTimeout: five}\n", nil, "five"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := argumentsIn(tc.file)
			if tc.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Errorf("error %v, want one with %q", err, tc.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			tc.want(&want)
			if diff := cmp.Diff(runtime.Object(&want), got); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

// A profile that says nothing of the plugin gets the defaults: the framework decodes
// nothing under the kind of the arguments.
func TestNoArgumentsAreTheDefaults(t *testing.T) {
	kind := v1.SchemeGroupVersion.WithKind("DevicePlacementArgs")
	got, _, err := scheduler.Codecs.UniversalDecoder().Decode(nil, &kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	if diff := cmp.Diff(runtime.Object(&want), got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// Copies share nothing, and both versions say the same.
func TestCopyAndConvert(t *testing.T) {
	internal := defaults()
	internal.Policy, internal.ScoreSpan = "spread", 20
	object, err := scheduler.Scheme.ConvertToVersion(&internal, schema.GroupVersion(v1.SchemeGroupVersion))
	if err != nil {
		t.Fatal(err)
	}
	external := object.(*v1.DevicePlacementArgs)
	copied := external.DeepCopyObject().(*v1.DevicePlacementArgs)
	*external.Policy = "changed"
	back := &config.DevicePlacementArgs{}
	if err := scheduler.Scheme.Convert(copied, back, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&internal, back); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(runtime.Object(&internal), internal.DeepCopyObject()); diff != "" {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	args := defaults()
	if err := validation.ValidateDevicePlacementArgs(nil, &args); err != nil {
		t.Error(err)
	}
}
