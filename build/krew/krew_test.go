package krew

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

func somePlugin() index.Plugin {
	digest := strings.Repeat("a", 64)
	return NewPlugin("v0.3.0", []Archive{
		{OS: "linux", Architecture: "amd64", URL: "https://example.com/linux.tar.gz", SHA256: digest},
		{OS: "darwin", Architecture: "arm64", URL: "https://example.com/darwin.tar.gz", SHA256: digest},
	})
}

// What is written is read by krew's own types, strictly, as the same manifest.
func TestFormatPlugin(t *testing.T) {
	text, err := FormatPlugin(somePlugin())
	if err != nil {
		t.Fatal(err)
	}
	var read index.Plugin
	if err := yaml.UnmarshalStrict(text, &read); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(somePlugin(), read); diff != "" {
		t.Errorf("the manifest as read (-want +got):\n%s", diff)
	}
	if err := CheckPlugin(read); err != nil {
		t.Error(err)
	}
}

func TestCheckPlugin(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*index.Plugin)
		want   string
	}{
		"a kind":           {func(p *index.Plugin) { p.Kind = "Plug" }, "want krew.googlecontainertools.github.com/v1alpha2 Plugin"},
		"a name":           {func(p *index.Plugin) { p.Name = "Ashlar" }, `metadata.name "Ashlar"`},
		"a version":        {func(p *index.Plugin) { p.Spec.Version = "0.3" }, `spec.version "0.3"`},
		"long words":       {func(p *index.Plugin) { p.Spec.ShortDescription = strings.Repeat("x", 51) }, "51 characters"},
		"no platform":      {func(p *index.Plugin) { p.Spec.Platforms = nil }, "spec.platforms is empty"},
		"an open address":  {func(p *index.Plugin) { p.Spec.Platforms[0].URI = "http://example.com" }, "spec.platforms[0].uri"},
		"half a digest":    {func(p *index.Plugin) { p.Spec.Platforms[1].Sha256 = "aa" }, "spec.platforms[1].sha256"},
		"no such program":  {func(p *index.Plugin) { p.Spec.Platforms[0].Bin = "other" }, `bin "other" is none of its files`},
		"no selector":      {func(p *index.Plugin) { p.Spec.Platforms[0].Selector = nil }, "names no os and arch"},
		"a platform twice": {func(p *index.Plugin) { p.Spec.Platforms[1].Selector = p.Spec.Platforms[0].Selector }, "linux/amd64 is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := somePlugin()
			tc.change(&plugin)
			if err := CheckPlugin(plugin); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
